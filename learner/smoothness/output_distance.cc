#include "learner/smoothness/output_distance.h"

#include <utility>

namespace sr2l {
namespace {

// The weight of member m and its outputs, whatever lies between them.
struct WeightRow {
  const float* values = nullptr;
  int64_t stride = 0;

  WeightRow(const torch::Tensor& weight, int64_t m)
      : values(weight.data_ptr<float>() + m * weight.stride(0)), stride(weight.stride(2)) {}
  float operator[](int64_t i) const { return values[i * stride]; }
};

}  // namespace

OutputDistance::OutputDistance(BatchedMlp& mlp, int64_t rows)
    : mlp_(mlp),
      origin_(mlp.NewPoint(rows, BatchedMlp::Keep::kPreAndPost)),
      moved_(mlp.NewPoint(rows)),
      difference_(torch::empty_like(origin_.outputs())),
      cotangent_(torch::empty_like(origin_.outputs())),
      transposed_(torch::empty({mlp.members(), mlp.num_parameters()}, difference_.options())) {}

void OutputDistance::MoveTo(const torch::Tensor& parameters, const torch::Tensor& delta) {
  mlp_.ForwardDifference(parameters, origin_, delta, moved_, difference_);
}

void OutputDistance::Value(const torch::Tensor& weight, torch::Tensor& value) const {
  if (!mlp_.fused()) {
    torch::sum_out(value, difference_.square() * weight, {2}).mul_(0.5);
    return;
  }
  const int64_t outputs = difference_.size(2);
  const float* difference = difference_.data_ptr<float>();
  float* to = value.data_ptr<float>();
  for (int64_t m = 0; m < difference_.size(0); ++m) {
    const WeightRow row(weight, m);
    for (int64_t b = 0; b < difference_.size(1); ++b, difference += outputs) {
      float sum = 0;
      for (int64_t i = 0; i < outputs; ++i) sum += difference[i] * difference[i] * row[i];
      *to++ = 0.5f * sum;
    }
  }
}

void OutputDistance::WeighDifference(const torch::Tensor& weight) {
  if (!mlp_.fused()) {
    torch::mul_out(cotangent_, difference_, weight);
    return;
  }
  const int64_t outputs = difference_.size(2);
  const float* difference = difference_.data_ptr<float>();
  float* to = cotangent_.data_ptr<float>();
  for (int64_t m = 0; m < difference_.size(0); ++m) {
    const WeightRow row(weight, m);
    for (int64_t b = 0; b < difference_.size(1); ++b) {
      for (int64_t i = 0; i < outputs; ++i) *to++ = *difference++ * row[i];
    }
  }
}

void OutputDistance::Gradient(const torch::Tensor& parameters, const torch::Tensor& weight,
                              torch::Tensor& gradient) {
  WeighDifference(weight);
  mlp_.InputVjp(parameters, moved_, cotangent_, gradient);
}

SmoothnessObjective OutputDistance::Objective(torch::Tensor parameters, torch::Tensor weight) {
  mlp_.TransposeWeights(parameters, transposed_);
  return {.move_to = [this, parameters = std::move(parameters)](
                         const torch::Tensor& delta) { MoveTo(parameters, delta); },
          .value = [this, weight](torch::Tensor& value) { Value(weight, value); },
          .gradient =
              [this, weight](torch::Tensor& gradient) {
                WeighDifference(weight);
                mlp_.InputVjpTransposed(transposed_, moved_, cotangent_, gradient);
              }};
}

}  // namespace sr2l
