#ifndef SR2L_LEARNER_ALGORITHMS_ROUND_BATCH_H_
#define SR2L_LEARNER_ALGORITHMS_ROUND_BATCH_H_

#include <torch/types.h>

namespace sr2l {

// One round of experience: M members, N streams each, T consecutive steps of each stream,
// in canonical order (member, stream, step). Float32 on the learner's device, contiguous.
// O observation, A action dimensions.
struct RoundBatch {
  torch::Tensor observations;       // [M, N, T, O]
  torch::Tensor next_observations;  // [M, N, T, O], what the step led to; never a reset state
  torch::Tensor actions;            // [M, N, T, A], unclipped
  torch::Tensor rewards;            // [M, N, T]
  torch::Tensor terminated;         // [M, N, T], 1: the step entered a terminal state
  torch::Tensor truncated;          // [M, N, T], 1: the step hit the step limit
  torch::Tensor episode_step;       // [M, N, T], step within its episode, from 0
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_ROUND_BATCH_H_
