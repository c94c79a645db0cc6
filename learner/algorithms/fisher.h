#ifndef SR2L_LEARNER_ALGORITHMS_FISHER_H_
#define SR2L_LEARNER_ALGORITHMS_FISHER_H_

#include <torch/types.h>

#include "learner/nn/mlp.h"

namespace sr2l {

// The Hessian of the mean KL(old || new) at new = old for Gaussian policies, plus damping.
// A policy's parameters are [network | log_std], [M, P + L]: L = A, or 1 where all action
// dimensions share sigma. The matrix is E[J' Sigma^-1 J] for the network, 2 per log_std (2 A
// for a shared one), nothing between them: a product costs one Jacobian-vector and one
// vector-Jacobian product.
struct FisherPoint {
  torch::Tensor parameters;  // [M, P] of the network
  const MlpPoint& point;     // the network at the states
  torch::Tensor log_std;     // [M, 1, A]
  bool shared_sigma = false;
  double damping = 0;
};

// product = (Fisher + damping) v, both [M, P + L]. `outputs` [M, B, A] is scratch space.
void FisherVectorProduct(BatchedMlp& mlp, const FisherPoint& at, const torch::Tensor& v,
                         torch::Tensor& outputs, torch::Tensor& product);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_FISHER_H_
