#include "learner/algorithms/gaussian.h"

#include <cmath>
#include <numbers>

#include "learner/nn/member_reduce.h"

namespace sr2l {

torch::Tensor InverseVariance(const torch::Tensor& log_std) { return (-2 * log_std).exp(); }

torch::Tensor LogProb(const torch::Tensor& actions, const torch::Tensor& mean,
                      const torch::Tensor& log_std) {
  const double log_of_two_pi = std::log(2 * std::numbers::pi);
  const torch::Tensor squares = ((actions - mean).square() * InverseVariance(log_std)).sum(2);
  const torch::Tensor constant =
      log_std.sum(2) + 0.5 * log_of_two_pi * static_cast<double>(actions.size(2));
  return -0.5 * squares - constant;
}

// Per dimension log(s1 / s0) + (s0^2 + (m0 - m1)^2) / (2 s1^2) - 1/2. The part without means
// is formed in float64, where its terms cancel.
torch::Tensor MeanKlOldNew(const GaussianPolicies& old_policy,
                           const GaussianPolicies& new_policy) {
  const torch::Tensor log_ratio =
      (new_policy.log_std.to(torch::kFloat64) - old_policy.log_std.to(torch::kFloat64));
  const torch::Tensor sigma_part =
      (log_ratio + 0.5 * torch::expm1(-2 * log_ratio)).flatten(1).sum(1);
  const torch::Tensor squares = (old_policy.mean - new_policy.mean).square() *
                                InverseVariance(new_policy.log_std);
  const double states = static_cast<double>(squares.size(1));
  return sigma_part + MemberSum(squares) * (0.5 / states);
}

}  // namespace sr2l
