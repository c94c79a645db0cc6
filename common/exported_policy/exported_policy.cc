#include "common/exported_policy/exported_policy.h"

#include <algorithm>
#include <cmath>

namespace sr2l {
namespace {

double Activate(v1::Activation activation, double value) {
  if (activation == v1::TANH) return std::tanh(value);
  if (activation == v1::RELU) return std::max(value, 0.0);
  return value;
}

}  // namespace

std::vector<double> ExactControls(const ExportedPolicy& policy, const float* observation) {
  std::vector<double> x(observation, observation + policy.observation_dim());
  for (size_t i = 0; i < policy.mean.size(); ++i) {
    const double clip = policy.clip;
    x[i] = std::clamp((x[i] - policy.mean[i]) * policy.scale[i], -clip, clip);
  }
  for (const ExportedPolicy::Layer& layer : policy.layers) {
    std::vector<double> next(layer.bias.begin(), layer.bias.end());
    for (int i = 0; i < layer.inputs; ++i) {
      for (int j = 0; j < layer.outputs; ++j) {
        next[j] += x[i] * layer.weight[static_cast<size_t>(i) * layer.outputs + j];
      }
    }
    for (double& value : next) value = Activate(layer.activation, value);
    x = std::move(next);
  }
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = policy.offset[i] + policy.half_width[i] * std::clamp(x[i], -1.0, 1.0);
  }
  return x;
}

}  // namespace sr2l
