#ifndef SR2L_ACTOR_DRIVER_POLICY_BATCH_H_
#define SR2L_ACTOR_DRIVER_POLICY_BATCH_H_

#include <cstddef>
#include <vector>

#include "actor/stream/actor_stream.h"
#include "common/policy/policy.h"

namespace sr2l {

// Streams of one task that take their next step together, each with its policy, and their
// actions. Keeps its buffers from batch to batch. Not thread-safe. B streams, O
// observation_dim, A action_dim.
class PolicyBatch {
 public:
  void Clear();
  // Both borrowed until Clear.
  void Add(ActorStream* stream, const Policy* policy);

  const std::vector<ActorStream*>& streams() const { return streams_; }

  // Decides the actions of all streams: one forward pass of each run of streams with the
  // same policy, over normalized observations, then each stream's own noise, a function of
  // its seed and its steps alone. A row does not depend on the other rows. Once for each
  // step, since the noise of deterministic policies evolves.
  void Act();

  // Of the stream at position i, by the last Act [A].
  const float* action(size_t i) const { return actions_.data() + i * action_dim_; }

 private:
  // Streams [first, end), which have the same policy.
  void ActRun(size_t first, size_t end);

  std::vector<ActorStream*> streams_;    // [B]
  std::vector<const Policy*> policies_;  // [B]
  std::vector<float> observations_;      // [B, O], normalized
  std::vector<float> actions_;           // [B, A]
  size_t action_dim_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_DRIVER_POLICY_BATCH_H_
