#include "learner/algorithms/gae.h"

#include "learner/nn/member_reduce.h"

namespace sr2l {
namespace {

// As float64 on the CPU, [streams of all members, T].
torch::Tensor Streams(const torch::Tensor& steps) {
  return steps.to(torch::kCPU, torch::kFloat64).flatten(0, 1).contiguous();
}

}  // namespace

AdvantageEstimate GeneralizedAdvantages(const ValuedSteps& steps, double discount,
                                        double gae_lambda) {
  const torch::Tensor values = Streams(steps.values);
  const torch::Tensor alive = 1 - Streams(steps.terminated);
  const torch::Tensor same_episode = alive * (1 - Streams(steps.truncated));
  const torch::Tensor deltas =
      Streams(steps.rewards) + discount * alive * Streams(steps.next_values) - values;

  torch::Tensor advantages = torch::empty_like(deltas);
  const int64_t length = deltas.size(1);
  for (int64_t stream = 0; stream < deltas.size(0); ++stream) {
    const double* delta = deltas.data_ptr<double>() + stream * length;
    const double* goes_on = same_episode.data_ptr<double>() + stream * length;
    double* advantage = advantages.data_ptr<double>() + stream * length;
    double carry = 0;
    for (int64_t t = length - 1; t >= 0; --t) {
      // A select, not a product: nothing, not even NaN, comes from another episode.
      carry = delta[t] + (goes_on[t] == 0 ? 0 : discount * gae_lambda * carry);
      advantage[t] = carry;
    }
  }
  const auto shape = steps.rewards.sizes();
  return {.advantages = advantages.view(shape),
          .value_targets = (advantages + values).view(shape)};
}

torch::Tensor Standardize(const torch::Tensor& advantages) {
  const torch::Tensor centred = advantages - PerMember(MemberMean(advantages), advantages);
  const torch::Tensor deviation = MemberMean(centred.square()).sqrt();
  return centred / PerMember(deviation + 1e-8, centred);
}

torch::Tensor DiscountWeights(const torch::Tensor& episode_step, double discount) {
  return torch::pow(discount, episode_step.to(torch::kFloat64)).to(episode_step.scalar_type());
}

}  // namespace sr2l
