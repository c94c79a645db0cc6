#ifndef SR2L_ACTOR_DRIVER_DRIVER_H_
#define SR2L_ACTOR_DRIVER_DRIVER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "actor/driver/driver_counters.h"
#include "actor/driver/driver_ports.h"
#include "actor/driver/policy_batch.h"
#include "actor/driver/sent_chunks.h"
#include "actor/environment/compiled_task.h"
#include "actor/exploration/noise_process.h"
#include "actor/stream/actor_stream.h"
#include "common/policy/policy.h"
#include "common/rpc/backoff.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {

struct DriverOptions {
  // No steps are taken while so many bytes of chunks are without an answer.
  size_t max_unacked_bytes = size_t{32} << 20;
  // Spreads the retries of many actors; give each its own.
  uint64_t jitter_seed = 0;
};

// Everything an actor decides: which streams it holds, which can take a step, with which
// policy, what to send and what to make of the answers. A stream waits for its policy, for
// the replay's answer to OpenStream, for memory in the replay, and for nothing else but
// what FREE_RUNNING adds.
//
// SYNCHRONOUS: step t of a stream is taken with policy version t / steps_per_round and no
// other. FREE_RUNNING: a round is taken with the newest policy that is here when its first
// step is taken, or, for the rest of a round that another actor began, when the stream is
// taken up. Streams of a member may then act with different versions at once. A stream
// begins no round while two of its chunks are without an answer, waits when the replay
// holds it back for the learner's sake, and takes steps again, with a newer policy, when
// the replay finds them too old.
//
// Not thread-safe: events and steps come from one thread. Knows no network and no clock
// (but to measure how its time divides).
class Driver {
 public:
  // `ports` is borrowed.
  Driver(DriverPorts& ports, DriverOptions options) : ports_(ports), options_(options) {}

  // ---- Events ----

  void OnFleetEvent(const v1::FleetEvent& event);

  // The fleet's stream ended, and with it every lease.
  void OnLeft();

  void OnOpened(const v1::StreamKey& key, uint64_t ticket,
                const absl::StatusOr<v1::OpenStreamResponse>& opened);

  void OnAnswer(const v1::AppendResponse& answer);

  // The connection to the replay has ended, and every answer that came on it was told. Streams that
  // wait with nothing on its way are opened again: the replay may have lost steps of theirs.
  void OnReplayLost();

  // ---- Work ----

  // Takes a step of every stream that can take one, and sends the chunks that are due.
  // Returns the number of steps; after 0 only an event can change anything.
  int Step();

  // Sends the steps that no chunk was sent of, due or not.
  void SendPending();

  // Number of streams that this actor holds, also those that wait.
  int num_streams() const;

  // Why no stream can take a step, for people.
  std::string DescribeWait() const;

  const DriverCounters& counters() const { return counters_; }

 private:
  // Why the replay does not take a chunk yet, so that the stream pauses.
  enum class Hold { kNone, kFull, kLimited };
  // The right to drive a stream.
  struct Lease {
    explicit Lease(uint64_t jitter_seed) : backoff(jitter_seed) {}

    v1::StreamKey key;
    uint64_t epoch = 0;
    uint64_t seed = 0;
    uint64_t ticket = 0;                   // of its newest OpenStream; new with every reopening
    int refusals = 0;                      // of OpenStream, one after the other
    Hold hold = Hold::kNone;               // why its oldest chunk is not taken yet
    std::string limit;                     // what the replay said of it, with kLimited
    std::unique_ptr<ActorStream> stream;   // null until the replay has answered
    std::shared_ptr<const Policy> policy;  // of the running round; null: not chosen yet
    uint64_t least_version = 0;            // older policies were refused
    uint64_t taken_until = 0;              // steps before it were taken before a reopening
    std::optional<absl::Duration> reopen_delay;  // set: opens once its chunks are answered
    Backoff backoff;                             // between reopenings
  };
  struct Member {
    std::shared_ptr<const Policy> policy;  // the newest; null: none came yet
    std::map<uint32_t, Lease> leases;      // by stream
  };
  struct Experiment {
    uint64_t steps_per_round = 1;  // of each stream
    uint64_t total_steps = 0;      // of each stream
    v1::CollectionMode collection = v1::SYNCHRONOUS;
    std::optional<NoiseProcess> noise;         // of deterministic policies
    std::shared_ptr<const CompiledTask> task;  // null: the experiment failed here
    std::map<uint32_t, Member> members;
  };
  enum class Readiness {
    kReady,
    kOpening,
    kFinished,
    kFull,     // the replay has no memory
    kLimited,  // the replay holds the stream back
    kBlocked,  // too many bytes are without an answer
    kAhead,    // too many chunks of the stream are
    kNoPolicy,
    kPolicyGone,  // the learner is further than the stream
  };

  void OnAssignment(const v1::Assignment& assignment);
  void OnGrant(const v1::LeaseGrant& grant);
  void OnRevoke(const v1::LeaseRevoke& revoke);
  void OnPolicy(const v1::PolicySnapshot& snapshot);
  void OnEvaluation(const v1::EvaluationGrant& grant);

  // Null: not held.
  Lease* FindLease(const v1::StreamKey& key);
  // The lease and its OpenStream that `ticket` belongs to; null: outdated.
  Lease* FindCurrent(const v1::StreamKey& key, uint64_t ticket);
  void DropLease(const v1::StreamKey& key);

  static std::string NameOf(const v1::StreamKey& key);

  void Open(Lease& lease, absl::Duration delay);
  // Drops the stream and opens it again, `delay` after the answers to all its chunks: a
  // chunk that is still under way must find the steps before it missing, not taken anew.
  void Reopen(Lease& lease, absl::Duration delay);
  void ReopenIfSettled(const v1::StreamKey& key);
  void OnOpenRefused(Lease& lease, const absl::Status& refusal);
  void StartStream(Lease& lease, const v1::OpenStreamResponse& opened);

  void OnOutcome(Lease& lease, const SentChunk& chunk, const v1::AppendResponse& answer);
  void OnStalePolicy(Lease& lease, const SentChunk& chunk, const v1::AppendResponse& answer);

  Readiness ReadinessOf(const Experiment& experiment, const Member& member,
                        const Lease& lease) const;
  // Of a stream that waits for nothing but its policy.
  Readiness PolicyReadiness(const Experiment& experiment, const Member& member,
                            const Lease& lease) const;
  // Empty: the stream does not wait.
  std::string DescribeReadiness(const Experiment& experiment, const Lease& lease,
                                Readiness readiness) const;
  int StepMember(const Experiment& experiment, Member& member);
  absl::Status StepBatch();
  void Count(const StepResult& result);
  absl::Status SendChunk(Lease& lease);
  void SendDue();
  // Reports what ReadinessOf and steps found wrong; experiments_ may change only here.
  void FailExperiments();
  void Fail(const std::string& experiment_id, const std::string& reason);

  DriverPorts& ports_;
  const DriverOptions options_;
  uint64_t last_ticket_ = 0;
  std::map<std::string, Experiment> experiments_;
  std::map<std::string, absl::Status> failures_;  // experiment, reason: not yet reported
  SentChunks sent_chunks_;
  PolicyBatch batch_;
  DriverCounters counters_;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_DRIVER_DRIVER_H_
