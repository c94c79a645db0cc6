// Advantages, value targets and the two baselines.
#include <gtest/gtest.h>
#include <torch/nn.h>
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "learner/algorithms/gae.h"
#include "learner/algorithms/linear_baseline.h"
#include "learner/algorithms/value_network.h"
#include "learner/nn/permutation.h"

namespace sr2l {
namespace {

using torch::Tensor;

ValuedSteps RandomSteps(int64_t members, int64_t streams, int64_t steps) {
  torch::manual_seed(4);
  const auto random = [&] { return torch::randn({members, streams, steps}, torch::kFloat64); };
  ValuedSteps result = {random(), random(), random(), random() > 1.2, random() > 1.4};
  result.terminated = result.terminated.to(torch::kFloat64);
  result.truncated = result.truncated.to(torch::kFloat64) * (1 - result.terminated);
  return result;
}

// The definition: sum over l of (discount lambda)^l times the temporal-difference error of
// step t + l, for as long as the episode and the stream go on.
double SlowAdvantage(const ValuedSteps& steps, int64_t m, int64_t n, int64_t t, double discount,
                     double lambda) {
  const auto at = [&](const Tensor& x, int64_t k) { return x[m][n][k].item<double>(); };
  double sum = 0;
  double weight = 1;
  for (int64_t k = t; k < steps.rewards.size(2); ++k) {
    const bool terminated = at(steps.terminated, k) != 0;
    const double future = terminated ? 0 : discount * at(steps.next_values, k);
    sum += weight * (at(steps.rewards, k) + future - at(steps.values, k));
    if (terminated || at(steps.truncated, k) != 0) break;
    weight *= discount * lambda;
  }
  return sum;
}

TEST(GeneralizedAdvantagesTest, EqualsTheDefinitionWithEpisodesEndingInTheMiddle) {
  const ValuedSteps steps = RandomSteps(2, 3, 25);
  ASSERT_GT(steps.terminated.sum().item<double>(), 3);
  ASSERT_GT(steps.truncated.sum().item<double>(), 3);
  const AdvantageEstimate estimate = GeneralizedAdvantages(steps, 0.9, 0.8);
  for (int64_t m = 0; m < 2; ++m) {
    for (int64_t n = 0; n < 3; ++n) {
      for (int64_t t = 0; t < 25; ++t) {
        const double expected = SlowAdvantage(steps, m, n, t, 0.9, 0.8);
        EXPECT_NEAR(estimate.advantages[m][n][t].item<double>(), expected, 1e-13);
        EXPECT_NEAR(estimate.value_targets[m][n][t].item<double>(),
                    expected + steps.values[m][n][t].item<double>(), 1e-13);
      }
    }
  }
}

ValuedSteps OneStream(const std::vector<double>& rewards, const std::vector<double>& values,
                      const std::vector<double>& next_values) {
  const auto stream = [](const std::vector<double>& x) {
    return torch::tensor(x, torch::kFloat64).view({1, 1, -1});
  };
  const Tensor none = torch::zeros({1, 1, static_cast<int64_t>(rewards.size())}, torch::kFloat64);
  return {stream(rewards), stream(values), stream(next_values), none, none.clone()};
}

TEST(GeneralizedAdvantagesTest, LambdaZeroIsTheOneStepTemporalDifferenceError) {
  const ValuedSteps steps = OneStream({1, 0, 2}, {0.5, 1, -1}, {1, -1, 3});
  const Tensor advantages = GeneralizedAdvantages(steps, 0.5, 0).advantages.flatten();
  const std::vector<double> expected = {1.0, -1.5, 4.5};
  for (int i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(advantages[i].item<double>(), expected[i]);
}

TEST(GeneralizedAdvantagesTest, LambdaOneTargetsAreDiscountedReturns) {
  ValuedSteps steps = OneStream({1, 2, 4, 8}, {9, 7, 3, 6}, {7, 4, 6, 5});
  steps.terminated[0][0][1] = 1;
  const Tensor targets = GeneralizedAdvantages(steps, 0.5, 1).value_targets.flatten();
  // 1 + 2/2; 2, terminated; 4 + 8/2 + 5/4; 8 + 5/2.
  const std::vector<double> expected = {2, 2, 9.25, 10.5};
  for (int i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(targets[i].item<double>(), expected[i]);
}

TEST(GeneralizedAdvantagesTest, ATerminatedStepForgetsTheFutureATruncatedOneBootstraps) {
  ValuedSteps steps = OneStream({0, 0}, {0, 0}, {10, 0});
  steps.terminated[0][0][0] = 1;
  EXPECT_DOUBLE_EQ(GeneralizedAdvantages(steps, 0.9, 1).advantages[0][0][0].item<double>(), 0);
  steps.terminated.zero_();
  steps.truncated[0][0][0] = 1;
  EXPECT_DOUBLE_EQ(GeneralizedAdvantages(steps, 0.9, 1).advantages[0][0][0].item<double>(), 9);
}

TEST(GeneralizedAdvantagesTest, NotANumberNeverCrossesAnEpisode) {
  ValuedSteps steps = OneStream({1, 1, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 0});
  steps.truncated[0][0][1] = 1;
  steps.rewards[0][0][2] = std::numeric_limits<double>::quiet_NaN();
  const Tensor advantages = GeneralizedAdvantages(steps, 0.9, 0.9).advantages.flatten();
  EXPECT_TRUE(std::isfinite(advantages[0].item<double>()));
  EXPECT_TRUE(std::isfinite(advantages[1].item<double>()));
  EXPECT_TRUE(std::isnan(advantages[2].item<double>()));
}

TEST(StandardizeTest, GivesMeanZeroAndDeviationOnePerMember) {
  torch::manual_seed(1);
  const Tensor standardized = Standardize(5 + 3 * torch::randn({3, 1000}, torch::kFloat64));
  for (int m = 0; m < 3; ++m) {
    EXPECT_NEAR(standardized[m].mean().item<double>(), 0, 1e-12);
    EXPECT_NEAR(standardized[m].square().mean().item<double>(), 1, 1e-7);
  }
  EXPECT_EQ(Standardize(torch::full({1, 8}, 3.0, torch::kFloat64)).abs().max().item<double>(), 0);
}

TEST(DiscountWeightsTest, ArePowersOfTheDiscount) {
  const Tensor weights = DiscountWeights(torch::tensor({{0.0f, 1.0f, 10.0f}}), 0.9);
  EXPECT_FLOAT_EQ(weights[0][0].item<float>(), 1.0f);
  EXPECT_FLOAT_EQ(weights[0][1].item<float>(), 0.9f);
  EXPECT_FLOAT_EQ(weights[0][2].item<float>(), static_cast<float>(std::pow(0.9, 10)));
}

TEST(RandomPermutationTest, HoldsEveryIndexOnceAndMovesThem) {
  const Philox random(3, Purpose::kMinibatch);
  const std::vector<int64_t> order = RandomPermutation(random, 5, 1000);
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 1000u);
  EXPECT_EQ(*std::min_element(order.begin(), order.end()), 0);
  EXPECT_EQ(*std::max_element(order.begin(), order.end()), 999);
  EXPECT_EQ(order, RandomPermutation(random, 5, 1000));
  EXPECT_NE(order, RandomPermutation(random, 6, 1000));
  // Every position sees every index alike: mean of the first over many draws is 499.5, with
  // a standard error of 9.
  double sum = 0;
  for (uint64_t index = 0; index < 1000; ++index) {
    sum += static_cast<double>(RandomPermutation(random, index, 1000)[0]);
  }
  EXPECT_NEAR(sum / 1000, 499.5, 40);
}

BaselineInputs RandomInputs(int64_t members, int64_t rows, int64_t width) {
  torch::manual_seed(8);
  return {6 * torch::randn({members, rows, width}),
          torch::randint(0, 300, {members, rows}).to(torch::kFloat32)};
}

// The normal equations by plain loops and Gauss-Jordan elimination.
std::vector<double> SlowRidge(const BaselineInputs& inputs, const Tensor& targets, int64_t m,
                              double ridge) {
  const int64_t width = inputs.observations.size(2);
  const int64_t size = 2 * width + 4;
  std::vector<std::vector<double>> a(size, std::vector<double>(size + 1));
  for (int64_t row = 0; row < inputs.observations.size(1); ++row) {
    std::vector<double> x(size, 1.0);
    const double t = inputs.episode_step[m][row].item<double>() / 100;
    for (int64_t i = 0; i < width; ++i) {
      x[i] = std::clamp(inputs.observations[m][row][i].item<double>(), -10.0, 10.0);
      x[width + i] = x[i] * x[i];
    }
    x[2 * width] = t;
    x[2 * width + 1] = t * t;
    x[2 * width + 2] = t * t * t;
    for (int64_t i = 0; i < size; ++i) {
      for (int64_t j = 0; j < size; ++j) a[i][j] += x[i] * x[j];
      a[i][size] += x[i] * targets[m][row].item<double>();
    }
  }
  for (int64_t i = 0; i < size; ++i) a[i][i] += ridge;
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t k = 0; k < size; ++k) {
      if (k == i) continue;
      const double factor = a[k][i] / a[i][i];
      for (int64_t j = i; j <= size; ++j) a[k][j] -= factor * a[i][j];
    }
  }
  std::vector<double> solution(size);
  for (int64_t i = 0; i < size; ++i) solution[i] = a[i][size] / a[i][i];
  return solution;
}

TEST(LinearBaselineTest, PredictsZeroBeforeTheFirstFitThenSolvesTheNormalEquations) {
  const BaselineInputs inputs = RandomInputs(2, 120, 3);
  const Tensor targets = 10 * torch::randn({2, 120}, torch::kFloat64);
  LinearBaseline baseline({.ridge = 1e-3});
  BaselineState state = LinearBaseline::InitialState(3, 2);
  EXPECT_EQ(baseline.Predict(state, inputs).abs().max().item<double>(), 0);
  const std::vector<uint64_t> seeds = {1, 2};
  baseline.Fit(inputs, targets, {seeds, 0}, state);
  for (int64_t m = 0; m < 2; ++m) {
    const std::vector<double> expected = SlowRidge(inputs, targets, m, 1e-3);
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(state.parameters[m][i].item<double>(), expected[i], 1e-9);
    }
  }
}

TEST(LinearBaselineTest, RecoversATargetThatIsLinearInItsFeatures) {
  BaselineInputs inputs = RandomInputs(1, 200, 2);
  inputs.observations.clamp_(-10, 10);
  const Tensor o = inputs.observations.to(torch::kFloat64);
  const Tensor t = inputs.episode_step.to(torch::kFloat64) / 100;
  const Tensor targets = 2 * o.select(2, 0) - 0.5 * o.select(2, 1).square() + 3 * t * t + 7;
  LinearBaseline baseline({.ridge = 1e-5});
  BaselineState state = LinearBaseline::InitialState(2, 1);
  const std::vector<uint64_t> seeds = {1};
  baseline.Fit(inputs, targets, {seeds, 0}, state);
  const Tensor error = (baseline.Predict(state, inputs) - targets).abs();
  EXPECT_LT(error.max().item<double>(), 1e-4);
}

TEST(LinearBaselineTest, EqualFeaturesStillHaveASolution) {
  BaselineInputs inputs = {torch::ones({1, 50, 4}), torch::zeros({1, 50})};
  LinearBaseline baseline({.ridge = 1e-5});
  BaselineState state = LinearBaseline::InitialState(4, 1);
  const std::vector<uint64_t> seeds = {1};
  baseline.Fit(inputs, torch::full({1, 50}, 3.0, torch::kFloat64), {seeds, 0}, state);
  EXPECT_NEAR(baseline.Predict(state, inputs)[0][0].item<double>(), 3, 1e-5);
}

// Minibatch Adam through LibTorch's autograd and optimizer, in the same orders.
TEST(ValueNetworkTest, FitEqualsLibTorchsAdamOnTheSameMinibatches) {
  const ValueNetworkOptions options = {
      .hidden = {16, 8}, .epochs = 3, .minibatch_size = 32, .learning_rate = 1e-2};
  const int64_t rows = 150;
  const BaselineInputs inputs = {torch::randn({1, rows, 5}), torch::zeros({1, rows})};
  const Tensor targets = torch::randn({1, rows}, torch::kFloat64);
  const std::vector<uint64_t> seeds = {77};
  const BaselineState initial = ValueNetwork::InitialState(options, 5, seeds, torch::kCPU);

  torch::nn::Sequential network(torch::nn::Linear(5, 16), torch::nn::Tanh(),
                                torch::nn::Linear(16, 8), torch::nn::Tanh(),
                                torch::nn::Linear(8, 1));
  network->to(torch::kFloat64);
  const std::vector<MlpLayer> layers = Layers(ValueNetwork::Shape(options, 5));
  {
    torch::NoGradGuard no_gradient;
    for (size_t k = 0; k < layers.size(); ++k) {
      const Tensor flat = initial.parameters[0].to(torch::kFloat64);
      const auto parameters = network->parameters();
      parameters[2 * k].copy_(
          flat.slice(0, layers[k].weight, layers[k].bias).view({layers[k].inputs, -1}).t());
      parameters[2 * k + 1].zero_();
    }
  }
  torch::optim::Adam adam(network->parameters(), torch::optim::AdamOptions(1e-2));
  const Philox random(77, Purpose::kMinibatch);
  for (uint64_t epoch = 0; epoch < 3; ++epoch) {
    const Tensor order = torch::tensor(RandomPermutation(random, 4 * 3 + epoch, rows));
    for (int64_t first = 0; first < rows; first += 32) {
      const Tensor rows_of_step = order.slice(0, first, std::min<int64_t>(first + 32, rows));
      const Tensor x = inputs.observations[0].index_select(0, rows_of_step).to(torch::kFloat64);
      const Tensor y = targets[0].index_select(0, rows_of_step);
      adam.zero_grad();
      (network->forward(x).squeeze(1) - y).square().mean().backward();
      adam.step();
    }
  }
  const Tensor expected =
      network->forward(inputs.observations[0].to(torch::kFloat64)).squeeze(1).detach();

  for (const MlpBackend backend : {MlpBackend::kFused, MlpBackend::kTorch}) {
    ValueNetwork baseline(options, 0.97, {1, 5, rows}, {torch::kCPU, torch::kFloat32, backend});
    BaselineState state = ValueNetwork::InitialState(options, 5, seeds, torch::kCPU);
    baseline.Fit(inputs, targets, {seeds, 4}, state);
    EXPECT_EQ(state.adam.steps[0].item<int64_t>(), 15);
    // Fifteen steps of Adam amplify float32's rounding where a gradient is near zero.
    const Tensor error = (baseline.Predict(state, inputs)[0] - expected).abs();
    EXPECT_LT(error.max().item<double>(), 2e-5);
  }
}

TEST(ValueNetworkTest, RefusesOptionsThatCannotFit) {
  EXPECT_THROW(ValueNetwork::Check({.epochs = 0}), std::invalid_argument);
  EXPECT_THROW(ValueNetwork::Check({.minibatch_size = 0}), std::invalid_argument);
  EXPECT_THROW(ValueNetwork::Check({.learning_rate = NAN}), std::invalid_argument);
  EXPECT_THROW(LinearBaseline::Check({.ridge = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace sr2l
