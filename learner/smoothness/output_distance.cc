#include "learner/smoothness/output_distance.h"

#include <utility>

namespace sr2l {

OutputDistance::OutputDistance(BatchedMlp& mlp, int64_t rows)
    : mlp_(mlp),
      origin_(mlp.NewPoint(rows, BatchedMlp::Keep::kPreAndPost)),
      moved_(mlp.NewPoint(rows)),
      difference_(torch::empty_like(origin_.outputs())),
      cotangent_(torch::empty_like(origin_.outputs())) {}

void OutputDistance::MoveTo(const torch::Tensor& parameters, const torch::Tensor& delta) {
  mlp_.ForwardDifference(parameters, origin_, delta, moved_, difference_);
}

torch::Tensor OutputDistance::Value(const torch::Tensor& weight) const {
  return (difference_.square() * weight).sum(2).mul_(0.5);
}

void OutputDistance::Gradient(const torch::Tensor& parameters, const torch::Tensor& weight,
                              torch::Tensor& gradient) {
  torch::mul_out(cotangent_, difference_, weight);
  mlp_.InputVjp(parameters, moved_, cotangent_, gradient);
}

SmoothnessObjective OutputDistance::Objective(torch::Tensor parameters, torch::Tensor weight) {
  return {.move_to = [this, parameters](const torch::Tensor& delta) { MoveTo(parameters, delta); },
          .value = [this, weight] { return Value(weight); },
          .gradient = [this, parameters = std::move(parameters), weight = std::move(weight)](
                          torch::Tensor& gradient) { Gradient(parameters, weight, gradient); }};
}

}  // namespace sr2l
