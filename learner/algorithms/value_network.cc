#include "learner/algorithms/value_network.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "learner/nn/initialize.h"
#include "learner/nn/permutation.h"

namespace sr2l {
namespace {

// The order in which a member's examples are seen in one epoch.
std::vector<int64_t> EpochOrder(const ValueNetworkOptions& options, const FitIndex& index,
                                size_t member, int epoch, int64_t rows) {
  const Philox random(index.seeds[member], Purpose::kMinibatch);
  return RandomPermutation(random, index.update * options.epochs + epoch, rows);
}

}  // namespace

void ValueNetwork::Check(const ValueNetworkOptions& options) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument(what); };
  if (options.epochs < 1) {
    refuse("value_network.epochs must be >= 1, got " + std::to_string(options.epochs));
  }
  if (options.minibatch_size < 1) {
    refuse("value_network.minibatch_size must be >= 1, got " +
           std::to_string(options.minibatch_size));
  }
  if (!(options.learning_rate > 0) || !std::isfinite(options.learning_rate)) {
    refuse("value_network.learning_rate must be positive and finite, got " +
           std::to_string(options.learning_rate));
  }
}

MlpShape ValueNetwork::Shape(const ValueNetworkOptions& options, int64_t inputs) {
  return {.inputs = inputs,
          .hidden = options.hidden,
          .outputs = 1,
          .activation = options.activation,
          .output_activation = Activation::kLinear};
}

BaselineState ValueNetwork::InitialState(const ValueNetworkOptions& options, int64_t inputs,
                                         const std::vector<uint64_t>& seeds,
                                         torch::Device device) {
  const torch::Tensor parameters =
      XavierUniform(Shape(options, inputs), seeds, Purpose::kBaselineInit).to(device);
  return {.parameters = parameters, .adam = AdamState::Zeros(parameters)};
}

ValueNetwork::ValueNetwork(const ValueNetworkOptions& options, double gae_lambda,
                           const ValueNetworkSize& size, const MlpPlacement& placement)
    : options_(options),
      gae_lambda_(gae_lambda),
      adam_{.learning_rate = options.learning_rate},
      placement_(placement),
      mlp_(Shape(options, size.inputs), size.members, placement),
      point_(mlp_.NewPoint(size.rows)) {
  if (mlp_.fused()) {
    fused_ = std::make_unique<FusedRegression>(
        mlp_.shape(), adam_, std::min<int64_t>(options.minibatch_size, size.rows));
  }
}

torch::Tensor ValueNetwork::Predict(const BaselineState& state, const BaselineInputs& inputs) {
  mlp_.Forward(state.parameters, inputs.observations, point_);
  return point_.outputs().squeeze(2).to(torch::kCPU, torch::kFloat64);
}

void ValueNetwork::Fit(const BaselineInputs& inputs, const torch::Tensor& targets,
                       const FitIndex& index, BaselineState& state) {
  const torch::Tensor rounded = targets.to(inputs.observations.options());
  if (fused_ != nullptr) {
    FitFused(inputs, rounded, index, state);
  } else {
    FitByOperators(inputs, rounded, index, state);
  }
}

void ValueNetwork::FitFused(const BaselineInputs& inputs, const torch::Tensor& targets,
                            const FitIndex& index, BaselineState& state) {
  const int64_t rows = inputs.observations.size(1);
  const auto member = [](const torch::Tensor& tensor, size_t m) {
    return tensor.data_ptr<float>() + static_cast<int64_t>(m) * tensor.stride(0);
  };
  for (size_t m = 0; m < index.seeds.size(); ++m) {
    int64_t& steps = state.adam.steps.data_ptr<int64_t>()[m];
    const FusedAdamVectors vectors = {.gradient = nullptr,
                                      .first = member(state.adam.first, m),
                                      .second = member(state.adam.second, m),
                                      .parameters = member(state.parameters, m),
                                      .size = state.parameters.size(1)};
    for (int epoch = 0; epoch < options_.epochs; ++epoch) {
      const std::vector<int64_t> order = EpochOrder(options_, index, m, epoch, rows);
      for (int64_t first = 0; first < rows; first += options_.minibatch_size) {
        const RegressionExamples examples = {
            .inputs = member(inputs.observations, m),
            .targets = member(targets, m),
            .order = order.data() + first,
            .count = std::min<int64_t>(options_.minibatch_size, rows - first)};
        fused_->Step(examples, ++steps, vectors);
      }
    }
  }
}

void ValueNetwork::FitByOperators(const BaselineInputs& inputs, const torch::Tensor& targets,
                                  const FitIndex& index, BaselineState& state) {
  const int64_t members = inputs.observations.size(0);
  const int64_t rows = inputs.observations.size(1);
  torch::Tensor order = torch::empty({members, rows}, torch::kInt64);
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    for (int64_t m = 0; m < members; ++m) {
      const std::vector<int64_t> indices = EpochOrder(options_, index, m, epoch, rows);
      std::copy(indices.begin(), indices.end(), order.data_ptr<int64_t>() + m * rows);
    }
    const torch::Tensor placed = order.to(inputs.observations.device());
    const torch::Tensor shuffled = inputs.observations.gather(
        1, placed.unsqueeze(2).expand_as(inputs.observations));
    const torch::Tensor shuffled_targets = targets.gather(1, placed).unsqueeze(2);
    for (int64_t first = 0; first < rows; first += options_.minibatch_size) {
      const int64_t count = std::min<int64_t>(options_.minibatch_size, rows - first);
      Minibatch& minibatch = MinibatchOf(count);
      minibatch.inputs.copy_(shuffled.narrow(1, first, count));
      minibatch.targets.copy_(shuffled_targets.narrow(1, first, count));
      const auto step = [&] { Step(minibatch, state); };
      const bool replay =
          minibatch.graph &&
          minibatch.graph.Capture(
              {state.parameters, state.adam.first, state.adam.second, state.adam.steps},
              /*variant=*/false, step);
      replay ? minibatch.graph.Replay() : step();
    }
  }
}

ValueNetwork::Minibatch& ValueNetwork::MinibatchOf(int64_t rows) {
  const auto found = minibatches_.find(rows);
  if (found != minibatches_.end()) return found->second;
  const auto empty = [&](std::vector<int64_t> shape) {
    return torch::empty(shape, torch::TensorOptions(placement_.device).dtype(placement_.dtype));
  };
  Minibatch made = {.inputs = empty({mlp_.members(), rows, mlp_.shape().inputs}),
                    .targets = empty({mlp_.members(), rows, 1}),
                    .gradient = empty({mlp_.members(), mlp_.num_parameters()}),
                    .point = mlp_.NewPoint(rows),
                    .graph = StepGraph(placement_.new_graph(placement_.device))};
  return minibatches_.emplace(rows, std::move(made)).first->second;
}

// A step of Adam down mean (V - target)^2 of a minibatch.
void ValueNetwork::Step(Minibatch& minibatch, BaselineState& state) {
  mlp_.Forward(state.parameters, minibatch.inputs, minibatch.point);
  const torch::Tensor error = minibatch.point.outputs() - minibatch.targets;
  const double scale = 2.0 / static_cast<double>(error.size(1));
  mlp_.ParameterVjp(state.parameters, minibatch.point, error * scale, minibatch.gradient);
  AdamStep(adam_, minibatch.gradient, state.adam, state.parameters);
}

}  // namespace sr2l
