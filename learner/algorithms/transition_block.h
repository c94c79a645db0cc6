#ifndef SR2L_LEARNER_ALGORITHMS_TRANSITION_BLOCK_H_
#define SR2L_LEARNER_ALGORITHMS_TRANSITION_BLOCK_H_

#include <torch/types.h>

namespace sr2l {

// Transitions for U updates of G members: K = U B sampled transitions of each, of which the
// rows u B to u B + B - 1 belong to update u. Float32 on the learner's device, contiguous.
// O observation, A action dimensions.
struct TransitionBlock {
  torch::Tensor observations;       // [G, K, O]
  torch::Tensor actions;            // [G, K, A], as the environment received them
  torch::Tensor rewards;            // [G, K]
  torch::Tensor next_observations;  // [G, K, O], what the step led to; never a reset state
  torch::Tensor terminated;         // [G, K], 1: the step entered a terminal state, else 0
  torch::Tensor truncated;          // [G, K], 1: the step hit the step limit, else 0
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_TRANSITION_BLOCK_H_
