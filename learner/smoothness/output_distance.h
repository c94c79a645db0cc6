#ifndef SR2L_LEARNER_SMOOTHNESS_OUTPUT_DISTANCE_H_
#define SR2L_LEARNER_SMOOTHNESS_OUTPUT_DISTANCE_H_

#include <torch/types.h>

#include "learner/nn/mlp.h"
#include "learner/smoothness/objective.h"

namespace sr2l {

// How far a perturbation of its inputs moves a network's outputs, per state:
//   D = 1/2 sum_i weight_i (mu_i(s + delta) - mu_i(s))^2.
// With weight = 1 / sigma^2 this is the Jeffreys divergence of two Gaussian policies of equal
// sigma; with weight = 2 the squared distance of two actions. The difference is formed
// without subtracting outputs (BatchedMlp::ForwardDifference), so D and its gradient stay
// precise however small delta is, and the gradient at delta = 0 is exactly 0.
//
// Where the inputs are more than a state, the state comes first: delta [M, B, J] moves the
// first J inputs and the others stay (a critic's action).
//
// Borrows the network; the point at delta = 0 is filled by the caller.
class OutputDistance {
 public:
  // `rows` B states per member.
  OutputDistance(BatchedMlp& mlp, int64_t rows);

  // The network at the unperturbed states.
  MlpPoint& origin() { return origin_; }
  const MlpPoint& origin() const { return origin_; }
  // The network at the states of the last MoveTo.
  const MlpPoint& moved() const { return moved_; }
  // mu(s + delta) - mu(s) at the last MoveTo, [M, B, A].
  const torch::Tensor& difference() const { return difference_; }

  // delta [M, B, J].
  void MoveTo(const torch::Tensor& parameters, const torch::Tensor& delta);

  // Fills D [M, B] at the last MoveTo; weight [M, 1, A].
  void Value(const torch::Tensor& weight, torch::Tensor& value) const;

  // Fills dD/ddelta [M, B, J] at the last MoveTo.
  void Gradient(const torch::Tensor& parameters, const torch::Tensor& weight,
                torch::Tensor& gradient);

  // The three above, for parameters and weight that stay as they are. One at a time.
  SmoothnessObjective Objective(torch::Tensor parameters, torch::Tensor weight);

 private:
  void WeighDifference(const torch::Tensor& weight);

  BatchedMlp& mlp_;
  MlpPoint origin_;
  MlpPoint moved_;
  torch::Tensor difference_;
  torch::Tensor cotangent_;   // weight times difference
  torch::Tensor transposed_;  // weights of the parameters that an Objective was made for
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SMOOTHNESS_OUTPUT_DISTANCE_H_
