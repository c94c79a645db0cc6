#ifndef SR2L_LEARNER_ALGORITHMS_DDPG_TERMS_H_
#define SR2L_LEARNER_ALGORITHMS_DDPG_TERMS_H_

#include <torch/types.h>

#include <cstdint>

namespace sr2l {

// The terms of DDPG's losses and their gradients in networks' outputs. M members, B rows, O
// observation, A action dimensions, W outputs. All tensors are contiguous and of one dtype and
// device; results go into tensors of the caller. Float32 on the CPU: plain loops; else
// LibTorch's operators.

// to [M, B, ...] = rows first_row to first_row + B - 1 of from [M, K, ...].
void CopyRows(const torch::Tensor& from, int64_t first_row, torch::Tensor& to);

// inputs [M, B, O + A] = (s, a).
void JoinStateAction(const torch::Tensor& observations, const torch::Tensor& actions,
                     torch::Tensor& inputs);

// targets [M, B] = r + discount (1 - ended) Q'(s', mu'(s')); rewards and ended [M, B], next_q
// [M, B, 1].
struct BellmanTerms {
  const torch::Tensor& rewards;
  const torch::Tensor& ended;
  const torch::Tensor& next_q;
  double discount = 0;
};
void BellmanTargets(const BellmanTerms& terms, torch::Tensor& targets);

// Gradient [M, B, 1] of mean (y - Q)^2 in q [M, B, 1].
void BellmanErrorGradient(const torch::Tensor& q, const torch::Tensor& targets,
                          torch::Tensor& gradient);

// Adds the gradient of coefficient mean |out(s) - out(s + delta)|_2^2 in both outputs, given
// difference = out(s + delta) - out(s) [M, B, W] and coefficient [M, 1, 1]: sets `moved`, in
// out(s + delta), and adds to `origin`, in out(s). Exactly 0 for a coefficient of 0.
void AddSmoothnessGradient(const torch::Tensor& coefficient, const torch::Tensor& difference,
                           torch::Tensor& moved, torch::Tensor& origin);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_DDPG_TERMS_H_
