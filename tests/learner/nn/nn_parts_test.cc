#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <vector>

#include "learner/nn/adam.h"
#include "learner/nn/initialize.h"
#include "learner/nn/member_reduce.h"
#include "learner/nn/polyak.h"

namespace sr2l {
namespace {

// Algorithm 1 of Kingma and Ba, one scalar at a time in float64.
struct SlowAdam {
  double first = 0;
  double second = 0;
  double value;

  void Step(double gradient, int t, const AdamOptions& options) {
    first = options.first_decay * first + (1 - options.first_decay) * gradient;
    second = options.second_decay * second + (1 - options.second_decay) * gradient * gradient;
    const double unbiased_first = first / (1 - std::pow(options.first_decay, t));
    const double unbiased_second = second / (1 - std::pow(options.second_decay, t));
    value -= options.learning_rate * unbiased_first /
             (std::sqrt(unbiased_second) + options.stabilizer);
  }
};

TEST(AdamTest, EqualsTheSlowLoopOverManySteps) {
  torch::manual_seed(1);
  const AdamOptions options{.learning_rate = 0.01};
  torch::Tensor parameters = torch::randn({2, 13}, torch::kFloat64);
  torch::Tensor single = parameters.to(torch::kFloat32);
  AdamState state = AdamState::Zeros(parameters);
  AdamState single_state = AdamState::Zeros(single);
  std::vector<SlowAdam> slow;
  for (int i = 0; i < 26; ++i) slow.push_back({.value = parameters.flatten()[i].item<double>()});
  for (int t = 1; t <= 50; ++t) {
    const torch::Tensor gradient = torch::randn({2, 13}, torch::kFloat64);
    const torch::Tensor single_gradient = gradient.to(torch::kFloat32);
    AdamStep(options, gradient, state, parameters);
    for (int m = 0; m < 2; ++m) {
      FusedAdamStep(options, t,
                    {.gradient = single_gradient.data_ptr<float>() + 13 * m,
                     .first = single_state.first.data_ptr<float>() + 13 * m,
                     .second = single_state.second.data_ptr<float>() + 13 * m,
                     .parameters = single.data_ptr<float>() + 13 * m,
                     .size = 13});
    }
    for (int i = 0; i < 26; ++i) slow[i].Step(gradient.flatten()[i].item<double>(), t, options);
  }
  for (int i = 0; i < 26; ++i) {
    EXPECT_NEAR(parameters.flatten()[i].item<double>(), slow[i].value, 1e-13);
    // Fifty float32 roundings of a value of order one.
    EXPECT_NEAR(single.flatten()[i].item<double>(), slow[i].value, 2e-6);
  }
  EXPECT_TRUE(torch::equal(state.steps, torch::full({2}, 50, torch::kInt64)));
}

// On the CPU in float32 the kernel computes, else LibTorch's operators.
TEST(AdamTest, EveryDtypeTakesTheStepsOfTheSlowLoop) {
  torch::manual_seed(4);
  const AdamOptions options{.learning_rate = 0.01};
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    torch::Tensor parameters = torch::randn({2, 13}, dtype);
    AdamState state = AdamState::Zeros(parameters);
    std::vector<SlowAdam> slow;
    for (int i = 0; i < 26; ++i) slow.push_back({.value = parameters.flatten()[i].item<double>()});
    for (int t = 1; t <= 20; ++t) {
      const torch::Tensor gradient = torch::randn({2, 13}, dtype);
      AdamStep(options, gradient, state, parameters);
      for (int i = 0; i < 26; ++i) slow[i].Step(gradient.flatten()[i].item<double>(), t, options);
    }
    for (int i = 0; i < 26; ++i) {
      EXPECT_NEAR(parameters.flatten()[i].item<double>(), slow[i].value,
                  dtype == torch::kFloat32 ? 2e-6 : 1e-13);
    }
    EXPECT_TRUE(torch::equal(state.steps, torch::full({2}, 20, torch::kInt64)));
  }
}

TEST(PolyakTest, FollowsTheOnlineNetworkAsTheSlowLoopDoes) {
  torch::manual_seed(6);
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    torch::Tensor larger = torch::randn({3, 20}, dtype);
    torch::Tensor target = larger.narrow(1, 2, 13);
    const torch::Tensor untouched = larger.narrow(1, 15, 5).clone();
    std::vector<double> slow;
    for (int i = 0; i < 39; ++i) slow.push_back(target.flatten()[i].item<double>());
    for (int t = 0; t < 30; ++t) {
      const torch::Tensor online = torch::randn({3, 13}, dtype);
      PolyakStep(0.1, online, target);
      for (int i = 0; i < 39; ++i) {
        slow[i] = 0.1 * online.flatten()[i].item<double>() + 0.9 * slow[i];
      }
    }
    for (int i = 0; i < 39; ++i) {
      EXPECT_NEAR(target.flatten()[i].item<double>(), slow[i],
                  dtype == torch::kFloat32 ? 2e-6 : 1e-14);
    }
    EXPECT_TRUE(torch::equal(larger.narrow(1, 15, 5), untouched));
  }
}

TEST(PolyakTest, ARateOfOneCopies) {
  torch::Tensor target = torch::randn({1, 50});
  const torch::Tensor online = torch::randn({1, 50});
  PolyakStep(1, online, target);
  EXPECT_TRUE(torch::equal(target, online));
}

TEST(MemberReduceTest, SumsAndDotsEqualAPlainLoop) {
  torch::manual_seed(2);
  for (const auto dtype : {torch::kFloat32, torch::kFloat64}) {
    const torch::Tensor a = torch::randn({3, 7, 11}, dtype);
    const torch::Tensor b = torch::randn({3, 7, 11}, dtype);
    const torch::Tensor sum = MemberSum(a);
    const torch::Tensor mean = MemberMean(a);
    const torch::Tensor dot = MemberDot(a, b);
    for (int m = 0; m < 3; ++m) {
      double expected_sum = 0;
      double expected_dot = 0;
      for (int i = 0; i < 77; ++i) {
        const double x = a[m].flatten()[i].item<double>();
        expected_sum += x;
        expected_dot += x * b[m].flatten()[i].item<double>();
      }
      EXPECT_NEAR(sum[m].item<double>(), expected_sum, 1e-13);
      EXPECT_NEAR(mean[m].item<double>(), expected_sum / 77, 1e-13);
      EXPECT_NEAR(dot[m].item<double>(), expected_dot, 1e-13);
    }
  }
}

TEST(MemberReduceTest, AMemberHasTheSameBitsAloneAndInAnyStride) {
  torch::manual_seed(3);
  const torch::Tensor values = torch::randn({4, 1003});
  const torch::Tensor strided = torch::randn({4, 1010}).narrow(1, 3, 1003);
  strided.copy_(values);
  const torch::Tensor together = MemberSum(values);
  EXPECT_TRUE(torch::equal(together, MemberSum(strided)));
  EXPECT_TRUE(torch::equal(MemberDot(values, values), MemberDot(strided, strided)));
  for (int m = 0; m < 4; ++m) {
    EXPECT_TRUE(torch::equal(together.narrow(0, m, 1), MemberSum(values.narrow(0, m, 1))));
  }
}

TEST(MemberReduceTest, FindsTheMemberThatIsNotFinite) {
  torch::Tensor values = torch::zeros({3, 2, 5});
  values[1][1][4] = std::numeric_limits<float>::quiet_NaN();
  values[2][0][0] = -std::numeric_limits<float>::infinity();
  const torch::Tensor finite = MemberIsFinite(values);
  EXPECT_TRUE(finite[0].item<bool>());
  EXPECT_FALSE(finite[1].item<bool>());
  EXPECT_FALSE(finite[2].item<bool>());
}

TEST(XavierUniformTest, FillsItsBoundsWithTheRightVarianceAndZeroBias) {
  const MlpShape shape = {17, {64, 64}, 6, Activation::kTanh, Activation::kLinear};
  const torch::Tensor parameters = XavierUniform(shape, {5}, Purpose::kPolicyInit)[0];
  for (const MlpLayer& layer : Layers(shape)) {
    const torch::Tensor weight = parameters.slice(0, layer.weight, layer.bias);
    const double bound = std::sqrt(6.0 / (layer.inputs + layer.outputs));
    EXPECT_LE(weight.abs().max().item<double>(), bound);
    EXPECT_GT(weight.abs().max().item<double>(), 0.95 * bound);
    // The variance of a sample of 384 numbers or more is within 15 % (three deviations).
    EXPECT_NEAR(weight.var().item<double>() / (bound * bound / 3), 1, 0.15);
    EXPECT_EQ(parameters.slice(0, layer.bias, layer.bias + layer.outputs).abs().sum().item<float>(), 0);
  }
}

TEST(XavierNormalTest, HasTheRightVarianceTailsAndZeroBias) {
  const MlpShape shape = {17, {64, 64}, 6, Activation::kRelu, Activation::kTanh};
  const torch::Tensor parameters = XavierNormal(shape, {5}, Purpose::kCriticInit)[0];
  for (const MlpLayer& layer : Layers(shape)) {
    const torch::Tensor weight = parameters.slice(0, layer.weight, layer.bias);
    const double sigma = std::sqrt(2.0 / (layer.inputs + layer.outputs));
    EXPECT_NEAR(weight.mean().item<double>() / sigma, 0, 0.16);
    // The variance of 384 normal numbers or more is within 22 % (three deviations).
    EXPECT_NEAR(weight.var().item<double>() / (sigma * sigma), 1, 0.22);
    EXPECT_NEAR((weight.abs() > sigma).to(torch::kFloat64).mean().item<double>(), 0.317, 0.08);
    EXPECT_EQ(parameters.slice(0, layer.bias, layer.bias + layer.outputs).abs().sum().item<float>(),
              0);
  }
  EXPECT_FALSE(torch::equal(parameters, XavierNormal(shape, {5}, Purpose::kPolicyInit)[0]));
  EXPECT_TRUE(torch::equal(parameters, XavierNormal(shape, {4, 5}, Purpose::kCriticInit)[1]));
}

TEST(XavierUniformTest, DependsOnTheMembersSeedAndPurposeAlone) {
  const MlpShape shape = {3, {5}, 2, Activation::kTanh, Activation::kLinear};
  const torch::Tensor together = XavierUniform(shape, {1, 2, 1}, Purpose::kPolicyInit);
  EXPECT_TRUE(torch::equal(together[0], together[2]));
  EXPECT_TRUE(torch::equal(together[1], XavierUniform(shape, {2}, Purpose::kPolicyInit)[0]));
  EXPECT_FALSE(torch::equal(together[0], together[1]));
  EXPECT_FALSE(torch::equal(together[0], XavierUniform(shape, {1}, Purpose::kBaselineInit)[0]));
}

}  // namespace
}  // namespace sr2l
