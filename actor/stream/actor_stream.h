#ifndef SR2L_ACTOR_STREAM_ACTOR_STREAM_H_
#define SR2L_ACTOR_STREAM_ACTOR_STREAM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "actor/environment/compiled_task.h"
#include "actor/environment/environment.h"
#include "actor/exploration/exploration_noise.h"
#include "actor/exploration/noise_process.h"
#include "actor/stream/chunk_builder.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// Which stream this is, how it explores, and by what right it is driven.
struct StreamIdentity {
  v1::StreamKey key = {};
  uint64_t lease_epoch = 0;                // fencing token
  uint64_t seed = 0;                       // the member's
  uint64_t steps_per_round = 1;            // of each stream, >= 1
  std::optional<NoiseProcess> noise = {};  // with deterministic policies; unset: none
};

// One environment instance of one member, as it is driven by one lease. What it does is a
// pure function of its identity (but the epoch), its start and the actions it is given.
// Not thread-safe.
class ActorStream {
 public:
  // Goes on where `resume_token` (a v1::ResumeToken) ends, which must be at `next_step`; an
  // empty token starts from scratch at step 0. DataLoss when the two do not fit.
  static absl::StatusOr<std::unique_ptr<ActorStream>> Create(
      StreamIdentity identity, std::shared_ptr<const CompiledTask> task, uint64_t next_step,
      const std::string& resume_token);

  const StreamIdentity& identity() const { return identity_; }
  uint64_t next_step() const { return next_step_; }
  // Of the next step, from 0, and whether that step is its first.
  uint64_t round() const { return next_step_ / identity_.steps_per_round; }
  bool begins_round() const { return next_step_ % identity_.steps_per_round == 0; }
  // Where the next step starts.
  const std::vector<float>& observation() const { return environment_->observation(); }

  // Adds the next step's noise to a deterministic policy's `action` [A] and clips the sum to
  // [-1, 1]. Once for each step, which is to be taken with just this action.
  void Explore(float* action) { noise_.Explore(next_step_, action); }

  // Takes a step with `action` [A], which is stored as it is, and starts an episode where one ends.
  // After an error the stream must be dropped.
  absl::StatusOr<StepResult> Step(const float* action);

  // Steps that no chunk was taken of yet.
  int pending_steps() const { return builder_.num_steps(); }
  // Whether they should go now: they are many, or the round ends with them. Then no step
  // may be taken before TakeChunk, since a chunk never crosses a round.
  bool chunk_is_due() const;
  // The pending steps, all taken with `policy_version`, with the state after them. Needs a
  // pending step; may be called before a chunk is due.
  v1::Chunk TakeChunk(uint64_t policy_version);

 private:
  ActorStream(StreamIdentity identity, std::unique_ptr<Environment> environment);

  absl::Status Start(uint64_t next_step, const std::string& resume_token);
  absl::Status BeginEpisode();

  const StreamIdentity identity_;
  const std::unique_ptr<Environment> environment_;
  ExplorationNoise noise_;
  ChunkBuilder builder_;
  uint64_t next_step_ = 0;
  uint64_t episode_ = 0;  // index of the running one
  double episode_return_ = 0;
  uint64_t chunk_first_step_ = 0;
  uint32_t chunk_first_episode_step_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_STREAM_ACTOR_STREAM_H_
