#ifndef SR2L_LEARNER_ALGORITHMS_SURROGATE_H_
#define SR2L_LEARNER_ALGORITHMS_SURROGATE_H_

#include <torch/types.h>

#include "learner/algorithms/gaussian.h"

namespace sr2l {

// What TRPO-SR minimizes (paper, eq. 8, sign corrected) as a function of the policy's
// outputs; M members, B states, A action dimensions:
//   loss = -mean(ratio advantage) + coefficient mean(weight D_J(pi(s), pi(s + delta)))
// with ratio = pi(a | s) / pi_old(a | s) and D_J = sum_i difference_i^2 / (2 sigma_i^2).
struct SurrogateTerms {
  torch::Tensor actions;          // [M, B, A], unclipped
  torch::Tensor advantages;       // [M, B], standardized
  GaussianPolicies old_policy;    // that drew the actions
  torch::Tensor old_log_prob;     // [M, B] of the actions
  torch::Tensor coefficient;      // [M] lambda_s, float64; undefined: no regularizer at all
  torch::Tensor weight;           // [M, B] of the states in the regularizer; undefined: 1
  // sigma in D_J is the old policy's, a constant; else it is the policy's own.
  bool detach_sigma = true;
};

// The outputs of a policy at the states, and how far the perturbation moves its means.
struct PolicyOutputs {
  GaussianPolicies policy;
  torch::Tensor difference;  // [M, B, A]; undefined: no perturbation
};

// All [M], float64.
struct TrustRegionLoss {
  torch::Tensor loss;           // to minimize
  torch::Tensor surrogate;      // mean of ratio * advantage
  torch::Tensor nonsmoothness;  // mean D_J, unweighted, nats; NaN without a perturbation
  torch::Tensor kl;             // KL(old || new), mean over the states, nats
};

TrustRegionLoss SmoothSurrogate(const PolicyOutputs& outputs, const SurrogateTerms& terms);

// The loss's gradient in the policy's outputs.
struct SurrogateCotangents {
  torch::Tensor mean;        // [M, B, A], in the means at s
  torch::Tensor moved_mean;  // [M, B, A], in the means at s + delta; undefined: no regularizer
  torch::Tensor log_std;     // [M, A]
};

SurrogateCotangents SurrogateGradient(const PolicyOutputs& outputs, const SurrogateTerms& terms);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_SURROGATE_H_
