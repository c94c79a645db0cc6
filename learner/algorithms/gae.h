#ifndef SR2L_LEARNER_ALGORITHMS_GAE_H_
#define SR2L_LEARNER_ALGORITHMS_GAE_H_

#include <torch/types.h>

namespace sr2l {

// One round seen by a value function. All [M, N, T]: members, streams, steps.
struct ValuedSteps {
  torch::Tensor rewards;
  torch::Tensor values;       // V of the step's observation
  torch::Tensor next_values;  // V of what the step itself led to, never of a reset state
  torch::Tensor terminated;   // 0 or 1
  torch::Tensor truncated;    // 0 or 1
};

struct AdvantageEstimate {
  torch::Tensor advantages;     // [M, N, T] float64 on the CPU
  torch::Tensor value_targets;  // advantages + values
};

// Generalized advantage estimation (Schulman et al., 2016). A terminated step bootstraps
// from zero; a truncated step, and the last of the round, from its own successor's value.
// The recursion never crosses an episode. Computed in float64 on the CPU, where a thousand
// dependent small steps are cheap. With gae_lambda = 1 the targets are discounted returns.
AdvantageEstimate GeneralizedAdvantages(const ValuedSteps& steps, double discount,
                                        double gae_lambda);

// (a - mean) / (std + 1e-8) over each member's elements; std of the population. A constant
// becomes zero.
torch::Tensor Standardize(const torch::Tensor& advantages);

// discount^episode_step, elementwise.
torch::Tensor DiscountWeights(const torch::Tensor& episode_step, double discount);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_GAE_H_
