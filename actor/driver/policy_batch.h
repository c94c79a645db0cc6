#ifndef SR2L_ACTOR_DRIVER_POLICY_BATCH_H_
#define SR2L_ACTOR_DRIVER_POLICY_BATCH_H_

#include <vector>

#include "actor/stream/actor_stream.h"
#include "common/policy/gaussian_actor.h"

namespace sr2l {

// Streams that take their next step with one policy, and their actions. Keeps its buffers
// from batch to batch. Not thread-safe. B streams, O observation_dim, A action_dim.
class PolicyBatch {
 public:
  void Clear() { streams_.clear(); }
  // Borrowed until Clear.
  void Add(ActorStream* stream) { streams_.push_back(stream); }

  const std::vector<ActorStream*>& streams() const { return streams_; }

  // Draws the actions of all streams: one forward pass, then each stream's own noise, a
  // function of (seed, stream, step) alone. A row does not depend on the other rows.
  void Act(const GaussianActor& policy);

  // Of the stream at position i, by the last Act [A].
  const float* action(size_t i) const { return actions_.data() + i * action_dim_; }

 private:
  std::vector<ActorStream*> streams_;  // [B]
  std::vector<float> observations_;    // [B, O]
  std::vector<float> actions_;         // [B, A]
  size_t action_dim_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_DRIVER_POLICY_BATCH_H_
