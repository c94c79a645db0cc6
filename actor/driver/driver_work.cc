// What the driver does between events; those are in driver.cc.
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "actor/driver/driver.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// Adds the time of its own life to a counter of seconds.
class PhaseTimer {
 public:
  explicit PhaseTimer(double& seconds)
      : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~PhaseTimer() {
    seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  double& seconds_;
  const std::chrono::steady_clock::time_point start_;
};

}  // namespace

int Driver::Step() {
  SendDue();
  int steps = 0;
  for (auto& [id, experiment] : experiments_) {
    for (auto& [number, member] : experiment.members) {
      steps += StepMember(experiment, member);
    }
  }
  SendDue();
  FailExperiments();
  return steps;
}

Driver::Readiness Driver::ReadinessOf(const Experiment& experiment, const Member& member,
                                      const Lease& lease) const {
  if (lease.stream == nullptr) return Readiness::kOpening;
  if (lease.stream->chunk_is_due()) return lease.paused ? Readiness::kPaused : Readiness::kBlocked;
  if (lease.stream->next_step() >= experiment.total_steps) return Readiness::kFinished;
  if (lease.paused) return Readiness::kPaused;
  if (sent_chunks_.bytes() >= options_.max_unacked_bytes) return Readiness::kBlocked;
  const uint64_t version = lease.stream->policy_version();
  if (member.policy == nullptr || member.policy->version() < version) return Readiness::kNoPolicy;
  return member.policy->version() == version ? Readiness::kReady : Readiness::kPolicyGone;
}

int Driver::StepMember(const Experiment& experiment, Member& member) {
  batch_.Clear();
  for (auto& [number, lease] : member.leases) {
    switch (ReadinessOf(experiment, member, lease)) {
      case Readiness::kReady:
        batch_.Add(lease.stream.get());
        break;
      case Readiness::kPolicyGone:
        Fail(
            lease.key.experiment_id(),
            absl::StrCat("member ", lease.key.member(), " stream ", lease.key.stream(),
                         " is at step ", lease.stream->next_step(), ", which needs policy version ",
                         lease.stream->policy_version(), ", but the learner is at version ",
                         member.policy->version(), ": the replay has lost steps"));
        break;
      default:
        break;
    }
  }
  if (batch_.streams().empty()) return 0;
  const absl::Status status = StepBatch(member);
  if (!status.ok()) {
    Fail(batch_.streams().front()->identity().key.experiment_id(), std::string(status.message()));
  }
  return static_cast<int>(batch_.streams().size());
}

absl::Status Driver::StepBatch(const Member& member) {
  {
    PhaseTimer timer(counters_.inference_seconds);
    batch_.Act(*member.policy);
  }
  PhaseTimer timer(counters_.simulation_seconds);
  for (size_t i = 0; i < batch_.streams().size(); ++i) {
    SR2L_ASSIGN_OR_RETURN(const StepResult result, batch_.streams()[i]->Step(batch_.action(i)));
    Count(result);
  }
  return absl::OkStatus();
}

void Driver::Count(const StepResult& result) {
  ++counters_.env_steps;
  if (result.diverged) {
    ++counters_.episodes_diverged;
  } else if (result.terminated) {
    ++counters_.episodes_terminated;
  } else if (result.truncated) {
    ++counters_.episodes_truncated;
  }
}

absl::Status Driver::SendChunk(Lease& lease) {
  PhaseTimer timer(counters_.transport_seconds);
  const auto chunk = std::make_shared<const v1::Chunk>(lease.stream->TakeChunk());
  SR2L_RETURN_IF_ERROR(ports_.Send(chunk));
  const size_t bytes = chunk->ByteSizeLong();
  sent_chunks_.Add(*chunk, lease.ticket, bytes);
  ++counters_.chunks_sent;
  counters_.chunk_bytes += bytes;
  return absl::OkStatus();
}

void Driver::SendDue() {
  for (auto& [id, experiment] : experiments_) {
    for (auto& [number, member] : experiment.members) {
      for (auto& [stream, lease] : member.leases) {
        if (sent_chunks_.bytes() >= options_.max_unacked_bytes) return;
        if (lease.stream == nullptr || !lease.stream->chunk_is_due() || lease.paused) continue;
        const absl::Status status = SendChunk(lease);
        if (!status.ok()) Fail(id, std::string(status.message()));
      }
    }
  }
}

void Driver::SendPending() {
  for (auto& [id, experiment] : experiments_) {
    for (auto& [number, member] : experiment.members) {
      for (auto& [stream, lease] : member.leases) {
        if (lease.stream == nullptr || lease.stream->pending_steps() == 0) continue;
        // What cannot be sent any more, another actor does again.
        if (!SendChunk(lease).ok()) return;
      }
    }
  }
}

int Driver::num_streams() const {
  int count = 0;
  for (const auto& [id, experiment] : experiments_) {
    for (const auto& [number, member] : experiment.members) {
      count += static_cast<int>(member.leases.size());
    }
  }
  return count;
}

std::string Driver::DescribeWait() const {
  int finished = 0;
  for (const auto& [id, experiment] : experiments_) {
    for (const auto& [number, member] : experiment.members) {
      for (const auto& [stream, lease] : member.leases) {
        const std::string name =
            absl::StrCat("member ", number, " stream ", stream, " of experiment ", id);
        switch (ReadinessOf(experiment, member, lease)) {
          case Readiness::kOpening:
            return absl::StrCat("the replay's answer where to start ", name);
          case Readiness::kPaused:
            return absl::StrCat("memory in the replay for ", name);
          case Readiness::kBlocked:
            return absl::StrCat("the replay's answers to ", sent_chunks_.bytes(), " bytes");
          case Readiness::kNoPolicy:
            return absl::StrCat("policy version ", lease.stream->policy_version(), " for ", name);
          case Readiness::kFinished:
            ++finished;
            break;
          case Readiness::kReady:
          case Readiness::kPolicyGone:
            break;
        }
      }
    }
  }
  if (finished > 0) return absl::StrCat("the end of the experiment; finished streams: ", finished);
  return "a lease from the learner";
}

}  // namespace sr2l
