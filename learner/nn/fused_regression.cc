#include "learner/nn/fused_regression.h"

#include <algorithm>
#include <stdexcept>

namespace sr2l {

FusedRegression::FusedRegression(const MlpShape& shape, const AdamOptions& adam,
                                 int64_t largest)
    : adam_(adam),
      num_inputs_(shape.inputs),
      mlp_(shape),
      inputs_(largest * shape.inputs),
      cotangent_(largest),
      gradient_(NumParameters(shape)) {
  if (shape.outputs != 1) throw std::invalid_argument("a regression has exactly one output");
  for (const MlpLayer& layer : Layers(shape)) {
    layers_.emplace_back(largest * layer.outputs);
    point_.post.push_back(layers_.back().data());
  }
  point_.inputs = inputs_.data();
}

void FusedRegression::Step(const RegressionExamples& examples, int64_t step,
                           FusedAdamVectors vectors) {
  point_.rows = examples.count;
  for (int64_t i = 0; i < examples.count; ++i) {
    std::copy_n(examples.inputs + examples.order[i] * num_inputs_, num_inputs_,
                inputs_.data() + i * num_inputs_);
  }
  mlp_.Forward(vectors.parameters, point_);
  const float scale = 2.0f / static_cast<float>(examples.count);
  const float* outputs = point_.post.back();
  for (int64_t i = 0; i < examples.count; ++i) {
    cotangent_[i] = scale * (outputs[i] - examples.targets[examples.order[i]]);
  }
  mlp_.ParameterVjp(vectors.parameters, point_, cotangent_.data(), gradient_.data());
  vectors.gradient = gradient_.data();
  FusedAdamStep(adam_, step, vectors);
}

}  // namespace sr2l
