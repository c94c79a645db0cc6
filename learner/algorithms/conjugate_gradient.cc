#include "learner/algorithms/conjugate_gradient.h"

#include "learner/nn/member_reduce.h"

namespace sr2l {

ConjugateGradient::ConjugateGradient(const torch::Tensor& like)
    : x_(torch::empty_like(like)),
      residual_(torch::empty_like(like)),
      direction_(torch::empty_like(like)),
      product_(torch::empty_like(like)),
      scaled_(torch::empty_like(like)) {}

CgSolution ConjugateGradient::Solve(const LinearMap& matrix, const torch::Tensor& b,
                                    int iterations) {
  x_.zero_();
  residual_.copy_(b);
  direction_.copy_(b);
  torch::Tensor square = MemberDot(residual_, residual_);
  torch::Tensor active = square > 0;
  const torch::Tensor zero = torch::zeros_like(square);
  for (int i = 0; i < iterations; ++i) {
    matrix(direction_, product_);
    const torch::Tensor curvature = MemberDot(direction_, product_);
    active = active & (curvature <= 0).logical_not();  // NaN goes on, to be seen in x
    const torch::Tensor alpha = torch::where(active, square / curvature, zero);
    x_.add_(torch::mul_out(scaled_, direction_, PerMember(alpha, direction_)));
    residual_.sub_(torch::mul_out(scaled_, product_, PerMember(alpha, product_)));
    const torch::Tensor next_square = MemberDot(residual_, residual_);
    const torch::Tensor beta = torch::where(active, next_square / square, zero);
    direction_.mul_(PerMember(beta, direction_)).add_(residual_);
    square = next_square;
    active = active & (square == 0).logical_not();
  }
  // b - residual is matrix x, carried along by the recursion.
  return {.x = x_, .x_matrix_x = MemberDot(x_, torch::sub_out(scaled_, b, residual_))};
}

}  // namespace sr2l
