#ifndef SR2L_LEARNER_FLEET_FLEET_H_
#define SR2L_LEARNER_FLEET_FLEET_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "learner/fleet/evaluation_leases.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {

// Who drives which stream or evaluates which policy, and what every actor has yet to be told.
// Streams are spread evenly over the actors' capacities and move as little as possible when
// actors come and go; an evaluation goes to an actor with few streams and no evaluation, and
// stays there. Every lease gets an epoch higher than any before it. No gRPC in here.
// Thread-safe.
class Fleet {
 public:
  using ActorId = uint64_t;

  static constexpr size_t kMaxActors = 4096;

  // What the fleet must know of a running experiment. Members are numbered by position.
  struct ActiveExperiment {
    v1::Assignment assignment;
    std::vector<uint64_t> seeds;  // by member
    uint32_t streams_per_member = 0;
    // Takes the reports on evaluations that were asked for, each once. Called from any thread
    // with the fleet's lock, so it must not call the fleet; not any more after End.
    std::function<void(const v1::ReportEvaluationRequest&)> on_evaluation;
  };

  // `generation` grows with every start of the learner: it is the upper half of epochs.
  explicit Fleet(uint64_t generation) : next_epoch_((generation << 32) + 1) {}

  // Adds an actor and leases streams to it. `wake` is called, from any thread and without
  // the fleet's lock, whenever NextEvent may have something new. ResourceExhausted: it has
  // kMaxActors.
  absl::StatusOr<ActorId> Join(const v1::JoinRequest& request, std::function<void()> wake);

  // The actor is gone: its leases go to others. Unknown ids are ignored.
  void Leave(ActorId actor);

  // The next event to send to the actor; null when there is none. A policy that was
  // replaced by a newer one before it was sent is skipped, so the queue stays bounded.
  std::shared_ptr<const v1::FleetEvent> NextEvent(ActorId actor);

  void Start(ActiveExperiment experiment);
  void Publish(v1::PolicySnapshot policy);                               // to all that need it
  void StopMember(const std::string& experiment_id, uint32_t member);    // ends its leases
  void End(const std::string& experiment_id);

  // An actor cannot drive the experiment; kept for Failure. NotFound if it is not active.
  absl::Status ReportFailure(const v1::ReportFailureRequest& request);
  // OK: no actor reported one. Aborted: the replay has lost steps; FailedPrecondition: anything
  // else.
  absl::Status Failure(const std::string& experiment_id) const;

  // Asks for an evaluation (the epoch is the fleet's to choose) of a started experiment. It is
  // reported when an actor has done it, whoever comes and goes meanwhile.
  void Evaluate(v1::EvaluationGrant evaluation);

  // An actor evaluated a policy, or could not. NotFound: nobody wants it (any more);
  // FailedPrecondition: it is another actor's by now.
  absl::Status ReportEvaluation(const v1::ReportEvaluationRequest& report);

  int num_actors() const;
  int num_leases() const;
  int num_waiting_streams() const;  // that no actor has room for
  uint64_t leases_granted() const;  // since the start

 private:
  using MemberKey = std::pair<std::string, uint32_t>;  // experiment id, member
  struct StreamId {
    MemberKey member;
    uint32_t stream;
    auto operator<=>(const StreamId&) const = default;
  };
  struct Lease {
    ActorId actor;  // 0: nobody
    uint64_t epoch;
    uint64_t seed;
  };
  struct Actor {
    ActorId id = 0;
    uint32_t capacity = 0;
    std::function<void()> wake;
    std::deque<std::shared_ptr<const v1::FleetEvent>> events;
    std::set<std::string> assigned;               // experiments it was told about
    std::map<MemberKey, uint64_t> sent_versions;  // newest policy it was told
    std::set<StreamId> streams;
  };
  struct Running {
    v1::Assignment assignment;
    std::function<void(const v1::ReportEvaluationRequest&)> on_evaluation;
    absl::Status failure;  // see Failure
  };
  using Wakes = std::vector<std::function<void()>>;

  void Rebalance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Actor* LeastLoaded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Actor* MostLoaded() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Assign(Actor& actor, const std::string& experiment_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GrantEvaluations() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Grant(Actor& actor, const StreamId& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Revoke(const StreamId& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendPolicy(Actor& actor, const MemberKey& member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Enqueue(Actor& actor, v1::FleetEvent event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The wakes of all actors with something to send.
  Wakes PendingWakes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  uint64_t next_epoch_ ABSL_GUARDED_BY(mu_);
  uint64_t leases_granted_ ABSL_GUARDED_BY(mu_) = 0;
  ActorId next_actor_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<ActorId, Actor> actors_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Running> experiments_ ABSL_GUARDED_BY(mu_);
  std::map<StreamId, Lease> leases_ ABSL_GUARDED_BY(mu_);
  EvaluationLeases evaluations_ ABSL_GUARDED_BY(mu_);
  std::map<MemberKey, std::shared_ptr<const v1::FleetEvent>> policies_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_FLEET_FLEET_H_
