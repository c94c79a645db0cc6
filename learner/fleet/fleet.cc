#include "learner/fleet/fleet.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sr2l {
namespace {

constexpr uint32_t kMaxStreamsPerActor = 100000;
constexpr size_t kMaxNameLength = 128;
constexpr size_t kMaxReasonLength = 1000;

v1::StreamKey ToProto(const std::string& experiment_id, uint32_t member, uint32_t stream) {
  v1::StreamKey key;
  key.set_experiment_id(experiment_id);
  key.set_member(member);
  key.set_stream(stream);
  return key;
}

absl::Status Validate(const v1::JoinRequest& request) {
  if (request.actor_name().empty() || request.actor_name().size() > kMaxNameLength) {
    return absl::InvalidArgumentError(absl::StrCat("actor_name must have 1 to ", kMaxNameLength,
                                                   " characters, got ",
                                                   request.actor_name().size()));
  }
  if (request.max_streams() < 1 || request.max_streams() > kMaxStreamsPerActor) {
    return absl::InvalidArgumentError(absl::StrCat("max_streams must be in [1, ",
                                                   kMaxStreamsPerActor, "], got ",
                                                   request.max_streams()));
  }
  return absl::OkStatus();
}

void CallAll(const std::vector<std::function<void()>>& wakes) {
  for (const std::function<void()>& wake : wakes) wake();
}

}  // namespace

absl::StatusOr<Fleet::ActorId> Fleet::Join(const v1::JoinRequest& request,
                                           std::function<void()> wake) {
  if (absl::Status status = Validate(request); !status.ok()) return status;
  ActorId id = 0;
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    if (actors_.size() >= kMaxActors) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the fleet has ", kMaxActors, " actors, the most it may have"));
    }
    id = next_actor_++;
    Actor& actor = actors_[id];
    actor.id = id;
    actor.capacity = request.max_streams();
    actor.wake = std::move(wake);
    Rebalance();
    GrantEvaluations();
    wakes = PendingWakes();
  }
  CallAll(wakes);
  return id;
}

void Fleet::Leave(ActorId id) {
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    const auto actor = actors_.find(id);
    if (actor == actors_.end()) return;
    for (const StreamId& stream : actor->second.streams) leases_.at(stream).actor = 0;
    actors_.erase(actor);
    evaluations_.Leave(id);
    Rebalance();
    GrantEvaluations();
    wakes = PendingWakes();
  }
  CallAll(wakes);
}

std::shared_ptr<const v1::FleetEvent> Fleet::NextEvent(ActorId id) {
  absl::MutexLock lock(&mu_);
  const auto actor = actors_.find(id);
  if (actor == actors_.end() || actor->second.events.empty()) return nullptr;
  std::shared_ptr<const v1::FleetEvent> event = std::move(actor->second.events.front());
  actor->second.events.pop_front();
  return event;
}

void Fleet::Start(ActiveExperiment experiment) {
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    const std::string id = experiment.assignment.experiment_id();
    for (uint32_t member = 0; member < experiment.seeds.size(); ++member) {
      for (uint32_t stream = 0; stream < experiment.streams_per_member; ++stream) {
        leases_[{{id, member}, stream}] = {.actor = 0, .epoch = 0, .seed = experiment.seeds[member]};
      }
    }
    experiments_[id].assignment = std::move(experiment.assignment);
    experiments_[id].on_evaluation = std::move(experiment.on_evaluation);
    Rebalance();
    wakes = PendingWakes();
  }
  CallAll(wakes);
}

void Fleet::Publish(v1::PolicySnapshot policy) {
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    const MemberKey member(policy.experiment_id(), policy.member());
    if (!experiments_.contains(member.first)) return;
    auto event = std::make_shared<v1::FleetEvent>();
    *event->mutable_policy() = std::move(policy);
    policies_[member] = std::move(event);
    for (auto& [id, actor] : actors_) {
      const bool drives = std::any_of(
          actor.streams.begin(), actor.streams.end(),
          [&member](const StreamId& stream) { return stream.member == member; });
      if (drives) SendPolicy(actor, member);
    }
    wakes = PendingWakes();
  }
  CallAll(wakes);
}

void Fleet::StopMember(const std::string& experiment_id, uint32_t member) {
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    const MemberKey key(experiment_id, member);
    auto lease = leases_.lower_bound({key, 0});
    while (lease != leases_.end() && lease->first.member == key) {
      Revoke(lease->first);
      lease = leases_.erase(lease);
    }
    policies_.erase(key);
    Rebalance();
    wakes = PendingWakes();
  }
  CallAll(wakes);
}

void Fleet::End(const std::string& experiment_id) {
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    std::erase_if(leases_, [&](const auto& lease) {
      return lease.first.member.first == experiment_id;
    });
    std::erase_if(policies_, [&](const auto& policy) {
      return policy.first.first == experiment_id;
    });
    evaluations_.End(experiment_id);
    experiments_.erase(experiment_id);
    v1::FleetEvent event;
    event.mutable_end()->set_experiment_id(experiment_id);
    for (auto& [id, actor] : actors_) {
      std::erase_if(actor.streams, [&](const StreamId& stream) {
        return stream.member.first == experiment_id;
      });
      std::erase_if(actor.sent_versions, [&](const auto& sent) {
        return sent.first.first == experiment_id;
      });
      if (actor.assigned.erase(experiment_id) > 0) Enqueue(actor, event);
    }
    Rebalance();
    GrantEvaluations();
    wakes = PendingWakes();
  }
  CallAll(wakes);
}

absl::Status Fleet::ReportFailure(const v1::ReportFailureRequest& request) {
  absl::MutexLock lock(&mu_);
  const auto running = experiments_.find(request.experiment_id());
  if (running == experiments_.end()) {
    return absl::NotFoundError(
        absl::StrCat("experiment \"", request.experiment_id().substr(0, kMaxNameLength),
                     "\" is not running"));
  }
  if (running->second.failure.ok()) {
    const std::string reason = request.reason().substr(0, kMaxReasonLength);
    running->second.failure = request.steps_lost() ? absl::AbortedError(reason)
                                                   : absl::FailedPreconditionError(reason);
  }
  return absl::OkStatus();
}

absl::Status Fleet::Failure(const std::string& experiment_id) const {
  absl::MutexLock lock(&mu_);
  const auto running = experiments_.find(experiment_id);
  return running == experiments_.end() ? absl::OkStatus() : running->second.failure;
}

void Fleet::Evaluate(v1::EvaluationGrant evaluation) {
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    if (!experiments_.contains(evaluation.experiment_id())) return;
    evaluations_.Add(std::move(evaluation));
    GrantEvaluations();
    wakes = PendingWakes();
  }
  CallAll(wakes);
}

absl::Status Fleet::ReportEvaluation(const v1::ReportEvaluationRequest& report) {
  Wakes wakes;
  {
    absl::MutexLock lock(&mu_);
    if (absl::Status status = evaluations_.Finish(report); !status.ok()) return status;
    experiments_.at(report.experiment_id()).on_evaluation(report);
    GrantEvaluations();
    wakes = PendingWakes();
  }
  CallAll(wakes);
  return absl::OkStatus();
}

int Fleet::num_actors() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(actors_.size());
}

int Fleet::num_leases() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(std::count_if(
      leases_.begin(), leases_.end(), [](const auto& lease) { return lease.second.actor != 0; }));
}

int Fleet::num_waiting_streams() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(std::count_if(leases_.begin(), leases_.end(),
                                        [](const auto& lease) { return lease.second.actor == 0; }));
}

uint64_t Fleet::leases_granted() const {
  absl::MutexLock lock(&mu_);
  return leases_granted_;
}

void Fleet::Rebalance() {
  for (const auto& [stream, lease] : leases_) {
    if (lease.actor != 0) continue;
    Actor* actor = LeastLoaded();
    if (actor == nullptr) return;
    Grant(*actor, stream);
  }
  // Moves single streams until no actor has two more than another with room.
  while (true) {
    Actor* least = LeastLoaded();
    Actor* most = MostLoaded();
    if (least == nullptr || most == nullptr) return;
    if (most->streams.size() < least->streams.size() + 2) return;
    const StreamId stream = *most->streams.rbegin();
    Revoke(stream);
    Grant(*least, stream);
  }
}

Fleet::Actor* Fleet::LeastLoaded() {
  Actor* least = nullptr;
  for (auto& [id, actor] : actors_) {
    if (actor.streams.size() >= actor.capacity) continue;
    if (least == nullptr || actor.streams.size() < least->streams.size()) least = &actor;
  }
  return least;
}

Fleet::Actor* Fleet::MostLoaded() {
  Actor* most = nullptr;
  for (auto& [id, actor] : actors_) {
    if (most == nullptr || actor.streams.size() > most->streams.size()) most = &actor;
  }
  return most;
}

void Fleet::GrantEvaluations() {
  std::set<ActorId> busy = evaluations_.Holders();
  while (const v1::EvaluationGrant* const waiting = evaluations_.NextWaiting()) {
    Actor* idle = nullptr;
    for (auto& [id, actor] : actors_) {
      if (busy.contains(id)) continue;
      if (idle == nullptr || actor.streams.size() < idle->streams.size()) idle = &actor;
    }
    if (idle == nullptr) return;
    Assign(*idle, waiting->experiment_id());
    v1::FleetEvent event;
    *event.mutable_evaluation() = evaluations_.Grant(idle->id, next_epoch_++);
    Enqueue(*idle, std::move(event));
    busy.insert(idle->id);
  }
}

void Fleet::Assign(Actor& actor, const std::string& experiment_id) {
  if (!actor.assigned.insert(experiment_id).second) return;
  v1::FleetEvent event;
  *event.mutable_assignment() = experiments_.at(experiment_id).assignment;
  Enqueue(actor, std::move(event));
}

void Fleet::Grant(Actor& actor, const StreamId& stream) {
  const std::string& experiment_id = stream.member.first;
  Assign(actor, experiment_id);
  Lease& lease = leases_.at(stream);
  lease.actor = actor.id;
  lease.epoch = next_epoch_++;
  ++leases_granted_;
  actor.streams.insert(stream);
  v1::FleetEvent event;
  *event.mutable_grant()->mutable_key() =
      ToProto(experiment_id, stream.member.second, stream.stream);
  event.mutable_grant()->set_epoch(lease.epoch);
  event.mutable_grant()->set_seed(lease.seed);
  Enqueue(actor, std::move(event));
  SendPolicy(actor, stream.member);
}

void Fleet::Revoke(const StreamId& stream) {
  Lease& lease = leases_.at(stream);
  const auto actor = actors_.find(lease.actor);
  lease.actor = 0;
  if (actor == actors_.end()) return;
  actor->second.streams.erase(stream);
  // An actor forgets a policy with its last stream: send it again with the next grant.
  const auto other = actor->second.streams.lower_bound({stream.member, 0});
  if (other == actor->second.streams.end() || other->member != stream.member) {
    actor->second.sent_versions.erase(stream.member);
  }
  v1::FleetEvent event;
  *event.mutable_revoke()->mutable_key() =
      ToProto(stream.member.first, stream.member.second, stream.stream);
  event.mutable_revoke()->set_epoch(lease.epoch);
  Enqueue(actor->second, std::move(event));
}

void Fleet::SendPolicy(Actor& actor, const MemberKey& member) {
  const auto policy = policies_.find(member);
  if (policy == policies_.end()) return;
  const uint64_t version = policy->second->policy().version();
  const auto [sent, first] = actor.sent_versions.emplace(member, version);
  if (!first) {
    if (sent->second == version) return;
    sent->second = version;
    std::erase_if(actor.events, [&member](const auto& event) {
      return event->has_policy() && event->policy().experiment_id() == member.first &&
             event->policy().member() == member.second;
    });
  }
  actor.events.push_back(policy->second);
}

void Fleet::Enqueue(Actor& actor, v1::FleetEvent event) {
  actor.events.push_back(std::make_shared<const v1::FleetEvent>(std::move(event)));
}

Fleet::Wakes Fleet::PendingWakes() const {
  Wakes wakes;
  for (const auto& [id, actor] : actors_) {
    if (!actor.events.empty()) wakes.push_back(actor.wake);
  }
  return wakes;
}

}  // namespace sr2l
