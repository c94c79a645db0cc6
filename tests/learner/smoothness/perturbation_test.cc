#include "learner/smoothness/perturbation.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "learner/nn/initialize.h"
#include "learner/nn/member_reduce.h"
#include "learner/smoothness/ascent.h"
#include "learner/smoothness/output_distance.h"

namespace sr2l {
namespace {

using torch::Tensor;

MlpShape Network(int64_t inputs, int64_t outputs) {
  return {.inputs = inputs, .hidden = {64, 64}, .outputs = outputs};
}

// Xavier weights times `gain`: 1 as initialized, 2 as after some training.
Tensor Weights(const MlpShape& shape, const std::vector<uint64_t>& seeds, double gain) {
  return gain * XavierUniform(shape, seeds, Purpose::kPolicyInit);
}

// max |delta| or ||delta|| of every state in float64, exactly as it is stored.
Tensor ExactSize(const Tensor& delta, BallNorm norm) {
  const Tensor exact = delta.to(torch::kFloat64);
  return norm == BallNorm::kLinf ? exact.abs().amax({2}) : exact.square().sum(2).sqrt();
}

struct Case {
  GradientKind gradient;
  BallNorm norm;
  double radius;
};

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const auto gradient : {GradientKind::kSign, GradientKind::kL2, GradientKind::kMaxNorm,
                              GradientKind::kRaw}) {
    for (const auto norm : {BallNorm::kLinf, BallNorm::kL2}) {
      for (const double radius : {1e-5, 1e-3, 0.01, 0.1, 0.3, 1.0}) {
        cases.push_back({gradient, norm, radius});
      }
    }
  }
  return cases;
}

TEST(PerturbationTest, StaysInsideTheBallToTheLastBit) {
  const MlpShape shape = Network(11, 3);
  const Tensor parameters = Weights(shape, {3, 4}, 2);
  const torch::Tensor states = 3 * torch::randn({2, 50, 11});
  BatchedMlp mlp(shape, 2, {});
  OutputDistance distance(mlp, 50);
  mlp.Forward(parameters, states, distance.origin());
  // A large weight makes raw steps leave the ball, too.
  const auto objective = distance.Objective(parameters, torch::full({2, 1, 3}, 1e4f));
  for (const Case& c : AllCases()) {
    const SmoothnessOptions options = {.gradient = c.gradient, .norm = c.norm};
    Perturbation perturbation(options, {2, 50, 11}, torch::kCPU);
    const std::vector<PerturbationMember> members = {{3, c.radius}, {4, 0.7 * c.radius}};
    const PerturbationResult result = perturbation.Maximize(objective, members, 0);
    const Tensor size = ExactSize(result.delta, c.norm);
    EXPECT_LE(size[0].max().item<double>(), c.radius);
    EXPECT_LE(size[1].max().item<double>(), 0.7 * c.radius);
    EXPECT_GT(size[0].max().item<double>(), 0.9 * c.radius);
  }
}

// By loops in float32, by operators in float64.
class AscentTest : public testing::TestWithParam<torch::Dtype> {};

TEST_P(AscentTest, NoGradientHoweverBrokenCarriesOutOfTheBall) {
  const float huge = std::numeric_limits<float>::max();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Case& c : AllCases()) {
    Ascent ascent({.gradient = c.gradient, .norm = c.norm}, 1, torch::kCPU, GetParam());
    ascent.SetRadii({InnerRadius(c.radius)});
    Tensor delta = torch::zeros({1, 5, 3}, GetParam());
    for (int step = 0; step < 20; ++step) {
      Tensor gradient = torch::tensor({NAN, 1.0f, -1.0f, infinity, -infinity, 2.0f, huge, -huge,
                                       huge, 1e-38f, -1e-45f, 0.0f, 0.0f, 0.0f, 0.0f})
                            .view({1, 5, 3})
                            .to(GetParam());
      ascent.Step(gradient, delta);
      EXPECT_TRUE(torch::isfinite(delta).all().item<bool>());
      EXPECT_LE(ExactSize(delta, c.norm).max().item<double>(), c.radius);
    }
    EXPECT_EQ(delta[0][4].abs().max().item<double>(), 0);  // no gradient, no step
    if (c.gradient != GradientKind::kSign) continue;
    EXPECT_EQ(delta[0][0][0].item<double>(), 0) << "no sign, no step";
    EXPECT_GT(delta[0][1][0].item<double>(), 0);
    EXPECT_LT(delta[0][1][1].item<double>(), 0);
  }
}

TEST(InnerRadiusTest, IsTheLargestFloatNotAbove) {
  for (const double radius : {1e-5, 0.01, 0.1, 0.3, 1.0, 1e-30, 123.456}) {
    const float inner = InnerRadius(radius);
    EXPECT_LE(inner, radius);
    EXPECT_GT(std::nextafter(inner, std::numeric_limits<float>::max()), radius);
  }
}

// One step from the middle of the ball, by hand: g = (3, -4, 0).
TEST_P(AscentTest, AStepFollowsTheChosenGradient) {
  const double step = 0.2 * 0.5;
  const std::vector<std::pair<GradientKind, std::vector<double>>> cases = {
      {GradientKind::kSign, {step, -step, 0}},
      {GradientKind::kL2, {step * std::sqrt(3) * 0.6, -step * std::sqrt(3) * 0.8, 0}},
      {GradientKind::kMaxNorm, {step * 0.75, -step, 0}},
      {GradientKind::kRaw, {step * 3, -step * 4, 0}}};
  for (const auto& [kind, expected] : cases) {
    Ascent ascent({.gradient = kind}, 1, torch::kCPU, GetParam());
    ascent.SetRadii({0.5f});
    Tensor delta = torch::zeros({1, 1, 3}, GetParam());
    Tensor gradient = torch::tensor({3.0, -4.0, 0.0}, GetParam()).view({1, 1, 3});
    ascent.Step(gradient, delta);
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(delta[0][0][i].item<double>(), expected[i], 1e-7);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, AscentTest, testing::Values(torch::kFloat32, torch::kFloat64),
                         [](const auto& info) { return torch::toString(info.param); });

TEST(PerturbationTest, GradientAtTheUnperturbedStateIsExactlyZero) {
  const MlpShape shape = Network(17, 6);
  const Tensor parameters = Weights(shape, {1}, 2);
  BatchedMlp mlp(shape, 1, {});
  OutputDistance distance(mlp, 40);
  mlp.Forward(parameters, torch::randn({1, 40, 17}), distance.origin());
  const Tensor weight = torch::ones({1, 1, 6});
  distance.MoveTo(parameters, torch::zeros({1, 40, 17}));
  Tensor gradient = torch::full({1, 40, 17}, NAN);
  distance.Gradient(parameters, weight, gradient);
  EXPECT_TRUE((gradient == 0).all().item<bool>());
  Tensor value = torch::full({1, 40}, NAN);
  distance.Value(weight, value);
  EXPECT_TRUE((value == 0).all().item<bool>());
}

TEST(OutputDistanceTest, ValueIsPreciseForTheSmallestRadii) {
  const MlpShape shape = Network(17, 6);
  const Tensor parameters = Weights(shape, {1}, 1);
  const Tensor states = 10 * torch::rand({1, 200, 17});
  const Tensor weight = torch::full({1, 1, 6}, 4.0f);
  BatchedMlp mlp(shape, 1, {});
  BatchedMlp exact(shape, 1, {torch::kCPU, torch::kFloat64});
  OutputDistance distance(mlp, 200);
  mlp.Forward(parameters, states, distance.origin());
  MlpPoint at_states = exact.NewPoint(200);
  MlpPoint at_moved = exact.NewPoint(200);
  for (const double radius : {1e-5, 1e-3, 0.1}) {
    const Tensor delta = radius * (2 * torch::rand({1, 200, 17}) - 1);
    distance.MoveTo(parameters, delta);
    exact.Forward(parameters.to(torch::kFloat64), states.to(torch::kFloat64), at_states);
    exact.Forward(parameters.to(torch::kFloat64),
                  states.to(torch::kFloat64) + delta.to(torch::kFloat64), at_moved);
    const Tensor expected =
        0.5 * ((at_moved.outputs() - at_states.outputs()).square() * 4).sum(2).mean();
    Tensor value = torch::empty({1, 200});
    distance.Value(weight, value);
    const double error = (value.mean().to(torch::kFloat64) / expected - 1).abs().item<double>();
    EXPECT_LT(error, 2e-5) << radius;
  }
}

// A network with two hidden layers, of which the first inputs move.
struct MovingNetwork {
  MlpShape shape;
  int64_t moving;

  // The outputs by LibTorch's operators where they move by `by`.
  Tensor Outputs(const Tensor& parameters, const Tensor& inputs, const Tensor& by) const {
    const auto linear = [&](const Tensor& x, const MlpLayer& layer) {
      return torch::matmul(x, parameters[0]
                                  .slice(0, layer.weight, layer.bias)
                                  .view({layer.inputs, layer.outputs})) +
             parameters[0].slice(0, layer.bias, layer.bias + layer.outputs);
    };
    const std::vector<MlpLayer> layers = Layers(shape);
    Tensor x = torch::cat({inputs.slice(2, 0, moving) + by, inputs.slice(2, moving)}, 2);
    x = linear(torch::relu(linear(torch::relu(linear(x, layers[0])), layers[1])), layers[2]);
    return shape.output_activation == Activation::kTanh ? torch::tanh(x) : x;
  }
};

// What the kernels say of D at delta, beside what autograd says.
void ExpectDistance(const MovingNetwork& network, torch::Dtype dtype) {
  const auto exact = torch::TensorOptions().dtype(torch::kFloat64);
  const Tensor parameters = Weights(network.shape, {8}, 1.5).to(torch::kFloat64);
  const Tensor inputs = torch::randn({1, 40, network.shape.inputs}, exact);
  const Tensor delta = (0.1 * torch::randn({1, 40, network.moving}, exact)).requires_grad_();
  const Tensor distance = (network.Outputs(parameters, inputs, delta) -
                           network.Outputs(parameters, inputs, torch::zeros_like(delta)))
                              .square()
                              .sum();
  const Tensor expected = torch::autograd::grad({distance}, {delta})[0];

  const torch::NoGradGuard no_gradient;
  BatchedMlp mlp(network.shape, 1, {torch::kCPU, dtype});
  OutputDistance moved(mlp, 40);
  const Tensor weight = torch::full({1, 1, network.shape.outputs}, 2, exact).to(dtype);
  mlp.Forward(parameters.to(dtype), inputs.to(dtype), moved.origin());
  const SmoothnessObjective objective = moved.Objective(parameters.to(dtype), weight);
  objective.move_to(delta.detach().to(dtype));
  Tensor value = torch::empty({1, 40}, dtype);
  Tensor gradient = torch::empty({1, 40, network.moving}, dtype);
  objective.value(value);
  objective.gradient(gradient);
  const double tolerance = dtype == torch::kFloat64 ? 1e-12 : 1e-5;
  EXPECT_NEAR(value.sum().item<double>() / distance.item<double>(), 1, tolerance);
  EXPECT_LT((gradient - expected).abs().max().item<double>(),
            tolerance * expected.abs().max().item<double>());
}

// By LibTorch's operators in float64 and by the fused kernels in float32.
TEST(OutputDistanceTest, GradientOfAReluActorEqualsAutograd) {
  const MovingNetwork actor = {{.inputs = 7,
                                .hidden = {16, 12},
                                .outputs = 3,
                                .activation = Activation::kRelu,
                                .output_activation = Activation::kTanh},
                               7};
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) ExpectDistance(actor, dtype);
}

TEST(OutputDistanceTest, GradientInTheStatesOfACriticEqualsAutograd) {
  const MovingNetwork critic = {
      {.inputs = 9, .hidden = {16, 12}, .outputs = 1, .activation = Activation::kRelu}, 5};
  for (const auto dtype : {torch::kFloat64, torch::kFloat32}) ExpectDistance(critic, dtype);
}

// The ball of a critic's states, whose actions are no part of it.
TEST(PerturbationTest, OfACriticStaysInsideTheBallAndLeavesTheActions) {
  const MlpShape shape = {
      .inputs = 8, .hidden = {32, 32}, .outputs = 1, .activation = Activation::kRelu};
  const Tensor parameters = Weights(shape, {3}, 2);
  const Tensor inputs = torch::randn({1, 50, 8});
  BatchedMlp mlp(shape, 1, {});
  OutputDistance distance(mlp, 50);
  mlp.Forward(parameters, inputs, distance.origin());
  const auto objective = distance.Objective(parameters, torch::full({1, 1, 1}, 2.0f));
  for (const Case& c : AllCases()) {
    Perturbation perturbation({.gradient = c.gradient, .norm = c.norm}, {1, 50, 5}, torch::kCPU);
    const PerturbationResult result = perturbation.Maximize(objective, {{3, c.radius}}, 0);
    EXPECT_LE(ExactSize(result.delta, c.norm).max().item<double>(), c.radius);
    EXPECT_GE(result.value.mean().item<double>(), result.start_value.mean().item<double>());
    EXPECT_TRUE(torch::equal(distance.moved().inputs.slice(2, 5), inputs.slice(2, 5)));
    EXPECT_TRUE(
        torch::equal(distance.moved().inputs.slice(2, 0, 5), inputs.slice(2, 0, 5) + result.delta));
  }
}

TEST(PerturbationTest, StagedUpdatesStartWhereSingleOnesDo) {
  const SmoothnessObjective objective = {.move_to = [](const Tensor&) {},
                                         .value = [](Tensor& value) { value.fill_(1); },
                                         .gradient = [](Tensor& gradient) { gradient.zero_(); }};
  const std::vector<PerturbationMember> members = {{1, 2.0}, {7, 0.5}};
  Perturbation staged({}, {2, 6, 3}, torch::kCPU);
  Perturbation single({}, {1, 6, 3}, torch::kCPU);
  staged.Stage(members, {40, 3}, 5);
  for (const int64_t update : {4, 0, 2}) {
    staged.Start(update);
    const Tensor delta = staged.Maximize(objective).delta;
    const Tensor first = single.Maximize(objective, {members[0]}, 40 + update).delta.clone();
    const Tensor second = single.Maximize(objective, {members[1]}, 3 + update).delta.clone();
    EXPECT_TRUE(torch::equal(delta, torch::cat({first, second})));
  }
}

// A long search: many restarts, many small sign steps, the best of each state kept.
Tensor LongSearch(OutputDistance& distance, const Tensor& parameters, double radius,
                  int64_t inputs) {
  const int64_t states = distance.origin().rows();
  const Tensor weight = torch::ones({1, 1, distance.difference().size(2)});
  Tensor best = torch::zeros({1, states});
  for (uint64_t restart = 0; restart < 12; ++restart) {
    Perturbation search({.steps = 60, .step_size = 0.1}, {1, states, inputs}, torch::kCPU);
    const PerturbationResult result = search.Maximize(distance.Objective(parameters, weight),
                                                      {{1000 + restart, radius}}, restart);
    best = torch::maximum(best, result.value);
  }
  return best;
}

TEST(PerturbationTest, TenSignStepsReachFourFifthsOfALongSearch) {
  struct Size {
    int64_t inputs, outputs;
  };
  for (const Size size : {Size{8, 2}, Size{11, 3}, Size{17, 6}}) {
    for (const double gain : {1.0, 2.0}) {
      for (const double radius : {1e-5, 1e-3, 1e-2}) {
        torch::manual_seed(5);
        const MlpShape shape = Network(size.inputs, size.outputs);
        const Tensor parameters = Weights(shape, {11}, gain);
        BatchedMlp mlp(shape, 1, {});
        OutputDistance distance(mlp, 200);
        mlp.Forward(parameters, torch::randn({1, 200, size.inputs}), distance.origin());
        const Tensor best = LongSearch(distance, parameters, radius, size.inputs);
        Perturbation perturbation({}, {1, 200, size.inputs}, torch::kCPU);
        const PerturbationResult result = perturbation.Maximize(
            distance.Objective(parameters, torch::ones({1, 1, size.outputs})), {{1, radius}}, 0);
        const double share = (result.value / best).mean().item<double>();
        const double gained = (result.value.mean() / result.start_value.mean()).item<double>();
        EXPECT_GE(share, 0.8) << size.inputs << " gain " << gain << " radius " << radius;
        EXPECT_LE(share, 1.02);
        EXPECT_GT(gained, 2);
        EXPECT_GT(result.boundary_share.item<double>(), 0.7);
        RecordProperty("share_" + std::to_string(size.inputs) + "_" + std::to_string(gain) +
                           "_" + std::to_string(radius),
                       std::to_string(share));
      }
    }
  }
}

TEST(PerturbationTest, TheDivergenceGrowsFromItsRandomStartForEveryKindOfStep) {
  const MlpShape shape = Network(17, 6);
  const Tensor parameters = Weights(shape, {2}, 2);
  BatchedMlp mlp(shape, 1, {});
  OutputDistance distance(mlp, 300);
  mlp.Forward(parameters, torch::randn({1, 300, 17}), distance.origin());
  const auto objective = distance.Objective(parameters, torch::ones({1, 1, 6}));
  for (const Case& c : AllCases()) {
    Perturbation perturbation({.gradient = c.gradient, .norm = c.norm}, {1, 300, 17},
                              torch::kCPU);
    const PerturbationResult result = perturbation.Maximize(objective, {{7, c.radius}}, 3);
    EXPECT_GE(result.value.mean().item<double>(), result.start_value.mean().item<double>());
  }
}

// An objective with a known maximum: D = (c' delta)^2 / 2 has its largest value at the
// corner radius * sign(c).
TEST(PerturbationTest, FindsTheCornerThatMaximizesALinearOutput) {
  const Tensor c = torch::tensor({1.0f, -2.0f, 0.5f, 4.0f});
  Tensor delta;
  const SmoothnessObjective objective = {
      .move_to = [&](const Tensor& at) { delta = at.clone(); },
      .value = [&](Tensor& value) { value.copy_(0.5 * (delta * c).sum(2).square()); },
      .gradient = [&](Tensor& gradient) { gradient.copy_((delta * c).sum(2, true) * c); }};
  Perturbation perturbation({}, {1, 20, 4}, torch::kCPU);
  const PerturbationResult result = perturbation.Maximize(objective, {{9, 0.25}}, 0);
  EXPECT_TRUE((result.delta.abs() == 0.25).all().item<bool>());
  EXPECT_NEAR(result.value.mean().item<double>(), 0.5 * std::pow(0.25 * 7.5, 2), 1e-6);
  EXPECT_EQ(result.boundary_share.item<double>(), 1.0);
}

TEST(PerturbationTest, ZeroStepsLeaveTheUniformStart) {
  const SmoothnessObjective objective = {.move_to = [](const Tensor&) {},
                                         .value = [](Tensor& value) { value.fill_(1); },
                                         .gradient = [](Tensor&) {}};
  Perturbation perturbation({.steps = 0}, {1, 5000, 2}, torch::kCPU);
  const Tensor delta = perturbation.Maximize(objective, {{1, 2.0}}, 0).delta.clone();
  EXPECT_NEAR(delta.mean().item<double>(), 0, 0.05);
  EXPECT_NEAR(delta.var().item<double>(), 4.0 / 3, 0.05);
  const Tensor again = perturbation.Maximize(objective, {{1, 2.0}}, 0).delta.clone();
  const Tensor later = perturbation.Maximize(objective, {{1, 2.0}}, 1).delta.clone();
  EXPECT_TRUE(torch::equal(delta, again));
  EXPECT_FALSE(torch::equal(delta, later));
}

TEST(PerturbationTest, RefusesARadiusOrStepThatIsNotPositive) {
  EXPECT_THROW(Perturbation::Check({}, {{1, 0.0}}), std::invalid_argument);
  EXPECT_THROW(Perturbation::Check({}, {{1, NAN}}), std::invalid_argument);
  EXPECT_THROW(Perturbation::Check({.step_size = 0}, {{1, 1.0}}), std::invalid_argument);
  EXPECT_THROW(Perturbation::Check({.steps = -1}, {{1, 1.0}}), std::invalid_argument);
  EXPECT_NO_THROW(Perturbation::Check({}, {{1, 1e-5}}));
}

}  // namespace
}  // namespace sr2l
