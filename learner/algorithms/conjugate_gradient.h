#ifndef SR2L_LEARNER_ALGORITHMS_CONJUGATE_GRADIENT_H_
#define SR2L_LEARNER_ALGORITHMS_CONJUGATE_GRADIENT_H_

#include <torch/types.h>

#include <functional>

namespace sr2l {

// product = matrix_m v_m for every member; both [M, P].
using LinearMap = std::function<void(const torch::Tensor& v, torch::Tensor& product)>;

struct CgSolution {
  torch::Tensor x;           // [M, P], approximately matrix^-1 b; borrowed until the next Solve
  torch::Tensor x_matrix_x;  // [M] float64, x' matrix x
};

// Solves matrix_m x_m = b_m for M symmetric positive definite matrices by the method of
// conjugate gradients (Hestenes and Stiefel, 1952), from x = 0, in float32 with float64
// inner products. A member stops, and its x stays, once its residual is exactly zero or its
// direction has no positive curvature; one whose product is NaN gets NaN. Keeps its vectors:
// no allocation of that size while it iterates. Not thread-safe.
class ConjugateGradient {
 public:
  // For right-hand sides like this one ([M, P], dtype and device).
  explicit ConjugateGradient(const torch::Tensor& like);

  CgSolution Solve(const LinearMap& matrix, const torch::Tensor& b, int iterations);

 private:
  torch::Tensor x_;
  torch::Tensor residual_;
  torch::Tensor direction_;
  torch::Tensor product_;
  torch::Tensor scaled_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_CONJUGATE_GRADIENT_H_
