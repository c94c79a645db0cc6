// The driver's events; what it does between them is in driver_work.cc.
#include "actor/driver/driver.h"

#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace sr2l {
namespace {

// With the backoff's delays about 10 s: more than the replay and the learner may take to
// agree on what tables there are.
constexpr int kMaxRefusals = 9;

}  // namespace

std::string Driver::NameOf(const v1::StreamKey& key) {
  return absl::StrCat("member ", key.member(), " stream ", key.stream(), " of experiment ",
                      key.experiment_id());
}

void Driver::OnFleetEvent(const v1::FleetEvent& event) {
  switch (event.event_case()) {
    case v1::FleetEvent::kAssignment:
      OnAssignment(event.assignment());
      break;
    case v1::FleetEvent::kGrant:
      OnGrant(event.grant());
      break;
    case v1::FleetEvent::kRevoke:
      OnRevoke(event.revoke());
      break;
    case v1::FleetEvent::kPolicy:
      OnPolicy(event.policy());
      break;
    case v1::FleetEvent::kEnd:
      ports_.EndEvaluations(event.end().experiment_id());
      experiments_.erase(event.end().experiment_id());
      break;
    case v1::FleetEvent::kEvaluation:
      OnEvaluation(event.evaluation());
      break;
    case v1::FleetEvent::EVENT_NOT_SET:
      SR2L_WARNING("the learner sent an event that this version does not know");
      break;
  }
  FailExperiments();
}

void Driver::OnLeft() {
  for (const auto& [id, experiment] : experiments_) ports_.EndEvaluations(id);
  experiments_.clear();
}

void Driver::OnAssignment(const v1::Assignment& assignment) {
  Experiment& experiment = experiments_[assignment.experiment_id()];
  experiment = Experiment();
  if (assignment.rounds() < 1 || assignment.steps_per_round() < 1) {
    return Fail(assignment.experiment_id(),
                absl::StrCat("rounds and steps_per_round must be >= 1, got ", assignment.rounds(),
                             " and ", assignment.steps_per_round()));
  }
  if (assignment.collection() == v1::COLLECTION_MODE_UNSPECIFIED) {
    return Fail(assignment.experiment_id(),
                absl::StrCat("collection must be SYNCHRONOUS or FREE_RUNNING, got ",
                             v1::CollectionMode_Name(assignment.collection())));
  }
  if (assignment.has_exploration()) {
    const auto noise = MakeNoiseProcess(assignment.exploration());
    if (!noise.ok()) return Fail(assignment.experiment_id(), std::string(noise.status().message()));
    experiment.noise = *noise;
  }
  auto task = CompiledTask::Create(assignment.task());
  if (!task.ok()) return Fail(assignment.experiment_id(), std::string(task.status().message()));
  experiment.collection = assignment.collection();
  experiment.steps_per_round = assignment.steps_per_round();
  experiment.total_steps = assignment.rounds() * assignment.steps_per_round();
  experiment.task = *std::move(task);
}

void Driver::OnGrant(const v1::LeaseGrant& grant) {
  const auto found = experiments_.find(grant.key().experiment_id());
  if (found == experiments_.end()) {
    SR2L_WARNING("{} was leased before its experiment was assigned", NameOf(grant.key()));
    return;
  }
  if (found->second.task == nullptr) return;
  auto& leases = found->second.members[grant.key().member()].leases;
  leases.erase(grant.key().stream());
  Lease& lease = leases.try_emplace(grant.key().stream(), options_.jitter_seed).first->second;
  lease.key = grant.key();
  lease.epoch = grant.epoch();
  lease.seed = grant.seed();
  Open(lease, absl::ZeroDuration());
}

void Driver::OnRevoke(const v1::LeaseRevoke& revoke) {
  Lease* lease = FindLease(revoke.key());
  if (lease == nullptr || lease->epoch != revoke.epoch()) return;
  // The next holder goes on behind these steps, if they reach the replay before it does.
  if (lease->stream != nullptr && lease->stream->pending_steps() > 0) {
    SendChunk(*lease).IgnoreError();
  }
  DropLease(revoke.key());
}

void Driver::OnPolicy(const v1::PolicySnapshot& snapshot) {
  const auto found = experiments_.find(snapshot.experiment_id());
  if (found == experiments_.end() || found->second.task == nullptr) return;
  const CompiledTask& task = *found->second.task;
  auto policy = Policy::Create(snapshot);
  const std::string name =
      absl::StrCat("policy version ", snapshot.version(), " of member ", snapshot.member());
  if (!policy.ok()) {
    return Fail(snapshot.experiment_id(), absl::StrCat(name, ": ", policy.status().message()));
  }
  if ((*policy)->observation_dim() != task.observer().dim() ||
      (*policy)->action_dim() != task.action_map().dim()) {
    return Fail(snapshot.experiment_id(),
                absl::StrCat(name, " maps ", (*policy)->observation_dim(), " observations to ",
                             (*policy)->action_dim(), " actions, but the task has ",
                             task.observer().dim(), " and ", task.action_map().dim()));
  }
  counters_.policy_version = snapshot.version();
  found->second.members[snapshot.member()].policy = *std::move(policy);
}

void Driver::OnEvaluation(const v1::EvaluationGrant& grant) {
  const auto found = experiments_.find(grant.experiment_id());
  ports_.StartEvaluation(found == experiments_.end() ? nullptr : found->second.task, grant);
}

void Driver::OnOpened(const v1::StreamKey& key, uint64_t ticket,
                      const absl::StatusOr<v1::OpenStreamResponse>& opened) {
  Lease* lease = FindCurrent(key, ticket);
  if (lease == nullptr || lease->stream != nullptr) return;
  if (opened.ok()) {
    StartStream(*lease, *opened);
  } else {
    OnOpenRefused(*lease, opened.status());
  }
  FailExperiments();
}

void Driver::OnOpenRefused(Lease& lease, const absl::Status& refusal) {
  switch (refusal.code()) {
    case absl::StatusCode::kFailedPrecondition:
      SR2L_INFO("{} is driven by another actor", NameOf(lease.key));
      return DropLease(lease.key);
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
      if (++lease.refusals >= kMaxRefusals) {
        return Fail(
            lease.key.experiment_id(),
            absl::StrCat("the replay does not open ", NameOf(lease.key), ": ", refusal.message()));
      }
      break;
    default:
      if (++lease.refusals == kMaxRefusals) {
        ports_.StepAside(
            absl::StrCat("the replay does not open ", NameOf(lease.key), ": ", refusal.message()));
      }
      break;
  }
  Open(lease, lease.backoff.Next());
}

void Driver::StartStream(Lease& lease, const v1::OpenStreamResponse& opened) {
  const Experiment& experiment = experiments_.at(lease.key.experiment_id());
  auto stream = ActorStream::Create({.key = lease.key,
                                     .lease_epoch = lease.epoch,
                                     .seed = lease.seed,
                                     .steps_per_round = experiment.steps_per_round,
                                     .noise = experiment.noise},
                                    experiment.task, opened.next_step(), opened.resume_token());
  if (!stream.ok()) {
    return Fail(lease.key.experiment_id(),
                absl::StrCat(NameOf(lease.key), ": ", stream.status().message()));
  }
  lease.refusals = 0;
  lease.hold = Hold::kNone;
  if (lease.taken_until > opened.next_step()) {
    counters_.steps_retaken += lease.taken_until - opened.next_step();
  }
  lease.taken_until = 0;
  lease.stream = *std::move(stream);
}

void Driver::OnAnswer(const v1::AppendResponse& answer) {
  ++counters_.answers[answer.outcome()];
  const std::optional<SentChunk> chunk = sent_chunks_.OnAnswer(answer);
  Lease* lease = chunk.has_value() ? FindCurrent(answer.key(), chunk->ticket) : nullptr;
  if (lease != nullptr) OnOutcome(*lease, *chunk, answer);
  ReopenIfSettled(answer.key());
  FailExperiments();
}

void Driver::OnReplayLost() {
  for (auto& [id, experiment] : experiments_) {
    for (auto& [number, member] : experiment.members) {
      for (auto& [stream, lease] : member.leases) {
        const bool waits = lease.stream != nullptr && lease.stream->pending_steps() == 0 &&
                           sent_chunks_.CountOf(lease.key) == 0;
        if (!waits) continue;
        Reopen(lease, lease.backoff.Next());
        ReopenIfSettled(lease.key);
      }
    }
  }
}

void Driver::OnOutcome(Lease& lease, const SentChunk& chunk, const v1::AppendResponse& answer) {
  lease.hold = Hold::kNone;
  switch (answer.outcome()) {
    case v1::AppendResponse::STORED:
    case v1::AppendResponse::DUPLICATE:
      lease.backoff.Reset();
      break;
    case v1::AppendResponse::FULL:
      lease.hold = Hold::kFull;
      break;
    case v1::AppendResponse::LIMITED:
      lease.hold = Hold::kLimited;
      lease.limit = answer.message();
      break;
    case v1::AppendResponse::STALE_EPOCH:
      SR2L_INFO("{} is driven by another actor", NameOf(lease.key));
      DropLease(lease.key);
      break;
    case v1::AppendResponse::GAP:
    case v1::AppendResponse::UNKNOWN_TABLE:
      SR2L_WARNING("{} is opened again: {}", NameOf(lease.key), answer.message());
      Reopen(lease, lease.backoff.Next());
      break;
    case v1::AppendResponse::STALE_POLICY:
      OnStalePolicy(lease, chunk, answer);
      break;
    case v1::AppendResponse::MALFORMED:
    case v1::AppendResponse::OUTCOME_UNSPECIFIED:
      Fail(lease.key.experiment_id(), absl::StrCat("the replay refused a chunk of ",
                                                   NameOf(lease.key), ": ", answer.message()));
      break;
  }
}

void Driver::OnStalePolicy(Lease& lease, const SentChunk& chunk, const v1::AppendResponse& answer) {
  const std::string& experiment_id = lease.key.experiment_id();
  if (experiments_.at(experiment_id).collection != v1::FREE_RUNNING) {
    // The round needs just this version: taken again, it would be refused again.
    return Fail(experiment_id, absl::StrCat("the replay refused a chunk of ", NameOf(lease.key),
                                            ": ", answer.message()));
  }
  // Nothing is wrong, and it may happen often: the log tells of the 1st, 2nd, 4th, 8th ...
  const uint64_t times = counters_.answers[v1::AppendResponse::STALE_POLICY];
  if (std::has_single_bit(times)) {
    SR2L_INFO(
        "{} takes steps again, since the replay found policy version {} too old: {}; chunks "
        "so far: {}",
        NameOf(lease.key), chunk.policy_version, answer.message(), times);
  }
  lease.least_version = chunk.policy_version + 1;
  // Without a delay: what it waits for is a newer policy.
  Reopen(lease, absl::ZeroDuration());
}

Driver::Lease* Driver::FindLease(const v1::StreamKey& key) {
  const auto experiment = experiments_.find(key.experiment_id());
  if (experiment == experiments_.end()) return nullptr;
  const auto member = experiment->second.members.find(key.member());
  if (member == experiment->second.members.end()) return nullptr;
  const auto lease = member->second.leases.find(key.stream());
  return lease == member->second.leases.end() ? nullptr : &lease->second;
}

Driver::Lease* Driver::FindCurrent(const v1::StreamKey& key, uint64_t ticket) {
  Lease* lease = FindLease(key);
  return lease != nullptr && lease->ticket == ticket ? lease : nullptr;
}

void Driver::DropLease(const v1::StreamKey& key) {
  // By value: the key may lie in the lease that goes.
  const uint32_t stream = key.stream();
  experiments_.at(key.experiment_id()).members.at(key.member()).leases.erase(stream);
}

void Driver::Open(Lease& lease, absl::Duration delay) {
  lease.ticket = ++last_ticket_;
  ports_.OpenStream(lease.key, lease.epoch, lease.ticket, delay);
}

void Driver::Reopen(Lease& lease, absl::Duration delay) {
  lease.taken_until = lease.stream->next_step();
  lease.stream.reset();
  lease.policy.reset();
  lease.ticket = ++last_ticket_;  // what its chunks are answered is of no concern any more
  lease.reopen_delay = delay;
}

void Driver::ReopenIfSettled(const v1::StreamKey& key) {
  Lease* lease = FindLease(key);
  if (lease == nullptr || !lease->reopen_delay.has_value() || sent_chunks_.CountOf(key) > 0) {
    return;
  }
  Open(*lease, *std::exchange(lease->reopen_delay, std::nullopt));
}

void Driver::Fail(const std::string& experiment_id, const std::string& reason) {
  failures_.emplace(experiment_id, absl::FailedPreconditionError(reason));
}

void Driver::FailExperiments() {
  for (const auto& [id, reason] : failures_) {
    const auto experiment = experiments_.find(id);
    if (experiment == experiments_.end()) continue;
    experiment->second = Experiment();
    SR2L_ERROR("experiment {} cannot be driven: {}", id, std::string(reason.message()));
    ports_.ReportFailure(id, reason);
  }
  failures_.clear();
}

}  // namespace sr2l
