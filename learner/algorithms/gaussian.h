#ifndef SR2L_LEARNER_ALGORITHMS_GAUSSIAN_H_
#define SR2L_LEARNER_ALGORITHMS_GAUSSIAN_H_

#include <torch/types.h>

namespace sr2l {

// Gaussian policies with independent action dimensions and a standard deviation that does
// not depend on the state. M members, B states, A action dimensions; means and actions are
// [M, B, A], log_std is [M, 1, A]. Divergences are in nats.

// 1 / sigma^2, [M, 1, A]. With it as the weight, OutputDistance is the Jeffreys divergence
// (paper, eq. 6) of two policies of this sigma: sum_i (difference of means)_i^2 / (2 sigma_i^2).
torch::Tensor InverseVariance(const torch::Tensor& log_std);

// log pi(action | state), [M, B].
torch::Tensor LogProb(const torch::Tensor& actions, const torch::Tensor& mean,
                      const torch::Tensor& log_std);

struct GaussianPolicies {
  torch::Tensor mean;     // [M, B, A]
  torch::Tensor log_std;  // [M, 1, A]
};

// KL(old || new) averaged over the states, [M] float64.
torch::Tensor MeanKlOldNew(const GaussianPolicies& old_policy,
                           const GaussianPolicies& new_policy);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_GAUSSIAN_H_
