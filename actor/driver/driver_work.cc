// What the driver does between events; those are in driver.cc.
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "actor/driver/driver.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// A round may be taken while one chunk of the stream is under way, and no further.
constexpr size_t kMaxUnansweredChunks = 2;

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
  const bool is_due = lease.stream->chunk_is_due();
  if (!is_due && lease.stream->next_step() >= experiment.total_steps) return Readiness::kFinished;
  if (lease.hold == Hold::kFull) return Readiness::kFull;
  if (lease.hold == Hold::kLimited) return Readiness::kLimited;
  if (is_due || sent_chunks_.bytes() >= options_.max_unacked_bytes) return Readiness::kBlocked;
  return PolicyReadiness(experiment, member, lease);
}

Driver::Readiness Driver::PolicyReadiness(const Experiment& experiment, const Member& member,
                                          const Lease& lease) const {
  if (experiment.collection == v1::FREE_RUNNING) {
    if (lease.policy != nullptr && !lease.stream->begins_round()) return Readiness::kReady;
    if (sent_chunks_.CountOf(lease.key) >= kMaxUnansweredChunks) return Readiness::kAhead;
    const bool has_policy =
        member.policy != nullptr && member.policy->version() >= lease.least_version;
    return has_policy ? Readiness::kReady : Readiness::kNoPolicy;
  }
  const uint64_t version = lease.stream->round();
  if (member.policy == nullptr || member.policy->version() < version) return Readiness::kNoPolicy;
  return member.policy->version() == version ? Readiness::kReady : Readiness::kPolicyGone;
}

int Driver::StepMember(const Experiment& experiment, Member& member) {
  batch_.Clear();
  for (auto& [number, lease] : member.leases) {
    switch (ReadinessOf(experiment, member, lease)) {
      case Readiness::kReady:
        if (lease.policy == nullptr || lease.stream->begins_round()) lease.policy = member.policy;
        batch_.Add(lease.stream.get(), lease.policy.get());
        break;
      case Readiness::kPolicyGone:
        failures_.emplace(
            lease.key.experiment_id(),
            absl::DataLossError(absl::StrCat(
                "member ", lease.key.member(), " stream ", lease.key.stream(), " is at step ",
                lease.stream->next_step(), ", which needs policy version ", lease.stream->round(),
                ", but the learner is at version ", member.policy->version(),
                ": the replay has lost steps")));
        break;
      default:
        break;
    }
  }
  if (batch_.streams().empty()) return 0;
  const absl::Status status = StepBatch();
  if (!status.ok()) {
    Fail(batch_.streams().front()->identity().key.experiment_id(), std::string(status.message()));
  }
  return static_cast<int>(batch_.streams().size());
}

absl::Status Driver::StepBatch() {
  {
    PhaseTimer timer(counters_.inference_seconds);
    batch_.Act();
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
  const auto chunk =
      std::make_shared<const v1::Chunk>(lease.stream->TakeChunk(lease.policy->version()));
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
        if (lease.stream == nullptr || !lease.stream->chunk_is_due()) continue;
        if (lease.hold != Hold::kNone) continue;
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

std::string Driver::DescribeReadiness(const Experiment& experiment, const Lease& lease,
                                      Readiness readiness) const {
  const std::string name = NameOf(lease.key);
  switch (readiness) {
    case Readiness::kOpening:
      return absl::StrCat("the replay's answer where to start ", name);
    case Readiness::kFull:
      return absl::StrCat("memory in the replay for ", name);
    case Readiness::kLimited:
      return absl::StrCat("the learner to sample: the replay holds back ", name,
                          lease.limit.empty() ? "" : ": ", lease.limit);
    case Readiness::kBlocked:
      return absl::StrCat("the replay's answers to ", sent_chunks_.bytes(), " bytes");
    case Readiness::kAhead:
      return absl::StrCat("the replay's answers to ", sent_chunks_.CountOf(lease.key),
                          " chunks of ", name);
    case Readiness::kNoPolicy:
      return experiment.collection == v1::FREE_RUNNING
                 ? absl::StrCat("policy version ", lease.least_version, " or newer for ", name)
                 : absl::StrCat("policy version ", lease.stream->round(), " for ", name);
    case Readiness::kFinished:
    case Readiness::kReady:
    case Readiness::kPolicyGone:
      break;
  }
  return "";
}

std::string Driver::DescribeWait() const {
  int finished = 0;
  for (const auto& [id, experiment] : experiments_) {
    for (const auto& [number, member] : experiment.members) {
      for (const auto& [stream, lease] : member.leases) {
        const Readiness readiness = ReadinessOf(experiment, member, lease);
        if (readiness == Readiness::kFinished) ++finished;
        std::string reason = DescribeReadiness(experiment, lease, readiness);
        if (!reason.empty()) return reason;
      }
    }
  }
  if (finished > 0) return absl::StrCat("the end of the experiment; finished streams: ", finished);
  return "a lease from the learner";
}

}  // namespace sr2l
