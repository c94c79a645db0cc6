// The Gaussian policy's equations, the loss and its gradient, the Fisher matrix, conjugate
// gradient and line search.
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <vector>

#include "learner/algorithms/conjugate_gradient.h"
#include "learner/algorithms/fisher.h"
#include "learner/algorithms/gaussian.h"
#include "learner/algorithms/line_search.h"
#include "learner/algorithms/surrogate.h"
#include "learner/nn/mlp.h"
#include "learner/smoothness/output_distance.h"

namespace sr2l {
namespace {

using torch::Tensor;

const auto kDouble = torch::TensorOptions().dtype(torch::kFloat64);

double Density(double x, double mean, double sigma) {
  const double z = (x - mean) / sigma;
  return std::exp(-0.5 * z * z) / (sigma * std::sqrt(2 * std::numbers::pi));
}

// KL(P || Q) of two Gaussians on the line by the trapezoidal rule.
double IntegratedKl(double mean_p, double sigma_p, double mean_q, double sigma_q) {
  const double half = 12 * sigma_p;
  const int intervals = 20000;
  double sum = 0;
  for (int i = 0; i <= intervals; ++i) {
    const double x = mean_p - half + 2 * half * i / intervals;
    const double p = Density(x, mean_p, sigma_p);
    const double zp = (x - mean_p) / sigma_p;
    const double zq = (x - mean_q) / sigma_q;
    sum += p * (std::log(sigma_q / sigma_p) - 0.5 * zp * zp + 0.5 * zq * zq);
  }
  return sum * 2 * half / intervals;
}

GaussianPolicies Policies(const std::vector<double>& mean, const std::vector<double>& sigma) {
  const int64_t dimensions = static_cast<int64_t>(mean.size());
  return {torch::tensor(mean, kDouble).view({1, 1, dimensions}),
          torch::tensor(sigma, kDouble).log().view({1, 1, dimensions})};
}

TEST(GaussianTest, KlEqualsTheIntegralInItsOrderOfArguments) {
  const GaussianPolicies p = Policies({0.3, -1.0}, {0.8, 1.5});
  const GaussianPolicies q = Policies({0.5, 0.2}, {1.1, 0.7});
  EXPECT_NEAR(MeanKlOldNew(p, q)[0].item<double>(),
              IntegratedKl(0.3, 0.8, 0.5, 1.1) + IntegratedKl(-1.0, 1.5, 0.2, 0.7), 1e-9);
  EXPECT_NEAR(MeanKlOldNew(q, p)[0].item<double>(),
              IntegratedKl(0.5, 1.1, 0.3, 0.8) + IntegratedKl(0.2, 0.7, -1.0, 1.5), 1e-9);
  EXPECT_EQ(MeanKlOldNew(p, p)[0].item<double>(), 0);
}

TEST(GaussianTest, LogProbIsTheLogarithmOfTheDensity) {
  const GaussianPolicies p = Policies({0.3, -1.0}, {0.8, 1.5});
  const Tensor action = torch::tensor({1.0, 0.5}, kDouble).view({1, 1, 2});
  EXPECT_NEAR(LogProb(action, p.mean, p.log_std).item<double>(),
              std::log(Density(1.0, 0.3, 0.8)) + std::log(Density(0.5, -1.0, 1.5)), 1e-12);
}

// Jeffreys: half of each KL. The output distance with weight 1 / sigma^2 is the same number.
TEST(GaussianTest, OutputDistanceWithInverseVarianceIsTheJeffreysDivergence) {
  const MlpShape identity = {.inputs = 2, .hidden = {}, .outputs = 2};
  const Tensor parameters = torch::tensor({{1.0, 0.0, 0.0, 1.0, 0.0, 0.0}}, kDouble);
  BatchedMlp mlp(identity, 1, {torch::kCPU, torch::kFloat64});
  OutputDistance distance(mlp, 1);
  mlp.Forward(parameters, torch::tensor({0.3, -1.0}, kDouble).view({1, 1, 2}), distance.origin());
  distance.MoveTo(parameters, torch::tensor({0.2, 0.7}, kDouble).view({1, 1, 2}));
  const Tensor log_std = torch::tensor({0.8, 1.5}, kDouble).log().view({1, 1, 2});
  const double expected =
      0.5 * (IntegratedKl(0.3, 0.8, 0.5, 0.8) + IntegratedKl(0.5, 0.8, 0.3, 0.8)) +
      0.5 * (IntegratedKl(-1.0, 1.5, -0.3, 1.5) + IntegratedKl(-0.3, 1.5, -1.0, 1.5));
  torch::Tensor value = torch::empty({1, 1}, torch::kFloat64);
  distance.Value(InverseVariance(log_std), value);
  EXPECT_NEAR(value.item<double>(), expected, 1e-9);
}

// A small TRPO-SR problem in float64, with everything that autograd needs.
struct Problem {
  static constexpr int64_t kMembers = 2;
  static constexpr int64_t kStates = 30;
  static constexpr int64_t kInputs = 4;
  static constexpr int64_t kActions = 3;

  explicit Problem(bool shared_sigma = false) : shared(shared_sigma) {
    torch::manual_seed(3);
    const int64_t network = NumParameters(shape);
    parameters = 0.6 * torch::randn({kMembers, network}, kDouble);
    log_std = 0.3 * torch::randn({kMembers, shared ? 1 : kActions}, kDouble);
    observations = torch::randn({kMembers, kStates, kInputs}, kDouble);
    delta = 0.1 * torch::randn_like(observations);
    terms.actions = torch::randn({kMembers, kStates, kActions}, kDouble);
    terms.advantages = torch::randn({kMembers, kStates}, kDouble);
    terms.coefficient = torch::tensor({0.7, 30.0}, kDouble);
    // The sampling policy is another one, so that ratios differ from 1.
    const Tensor old_log_std = 0.3 * torch::randn_like(log_std);
    terms.old_policy = {Mean(parameters + 0.05 * torch::randn_like(parameters), observations),
                        Expand(old_log_std)};
    terms.old_log_prob =
        LogProb(terms.actions, terms.old_policy.mean, terms.old_policy.log_std);
  }

  Tensor Expand(const Tensor& of) const {
    return of.expand({kMembers, kActions}).unsqueeze(1);
  }

  // By plain matrix products, for autograd.
  Tensor Mean(const Tensor& flat, const Tensor& states) const {
    const auto part = [&](int64_t first, int64_t rows, int64_t columns) {
      return flat.slice(1, first, first + rows * columns).view({kMembers, rows, columns});
    };
    const Tensor hidden =
        torch::tanh(states.matmul(part(0, kInputs, 5)) + part(kInputs * 5, 1, 5));
    return hidden.matmul(part(kInputs * 5 + 5, 5, kActions)) +
           part(kInputs * 5 + 5 + 5 * kActions, 1, kActions);
  }

  // The whole objective written out, with autograd's detach for the constant sigma.
  Tensor SlowLoss(const Tensor& flat, const Tensor& sigmas) const {
    const Tensor mean = Mean(flat, observations);
    const Tensor moved = Mean(flat, observations + delta);
    const Tensor std = Expand(sigmas).exp();
    const Tensor z = (terms.actions - mean) / std;
    const Tensor log_prob = (-0.5 * z * z - std.log()).sum(2) -
                            0.5 * kActions * std::log(2 * std::numbers::pi);
    const Tensor ratio = (log_prob - terms.old_log_prob).exp();
    const Tensor used = terms.detach_sigma ? terms.old_policy.log_std.exp() : std;
    Tensor jeffreys = ((mean - moved).pow(2) / (2 * used.pow(2))).sum(2);
    if (terms.weight.defined()) jeffreys = jeffreys * terms.weight;
    return -(ratio * terms.advantages).mean(1) + terms.coefficient * jeffreys.mean(1);
  }

  const bool shared;
  MlpShape shape = {.inputs = kInputs, .hidden = {5}, .outputs = kActions};
  Tensor parameters, log_std, observations, delta;
  SurrogateTerms terms;
};

// The largest difference relative to the largest value.
double RelativeError(const Tensor& actual, const Tensor& expected) {
  return ((actual - expected).abs().max() / expected.abs().max()).item<double>();
}

class LossTest : public testing::TestWithParam<std::tuple<bool, bool, bool>> {};

TEST_P(LossTest, ValueAndGradientEqualAutogradOfTheWholeObjective) {
  const auto [detach, weighted, shared] = GetParam();
  Problem problem(shared);
  problem.terms.detach_sigma = detach;
  if (weighted) problem.terms.weight = torch::rand({2, Problem::kStates}, kDouble);
  const Tensor flat = problem.parameters.clone().requires_grad_();
  const Tensor sigmas = problem.log_std.clone().requires_grad_();
  const Tensor slow = problem.SlowLoss(flat, sigmas);
  const auto expected = torch::autograd::grad({slow.sum()}, {flat, sigmas});

  BatchedMlp mlp(problem.shape, 2, {torch::kCPU, torch::kFloat64});
  OutputDistance distance(mlp, Problem::kStates);
  mlp.Forward(problem.parameters, problem.observations, distance.origin());
  distance.MoveTo(problem.parameters, problem.delta);
  const PolicyOutputs outputs = {
      {distance.origin().outputs(), problem.Expand(problem.log_std)}, distance.difference()};
  const TrustRegionLoss loss = SmoothSurrogate(outputs, problem.terms);
  EXPECT_LT(RelativeError(loss.loss, slow), 1e-13);

  const SurrogateCotangents cotangents = SurrogateGradient(outputs, problem.terms);
  Tensor gradient = torch::empty_like(flat);
  Tensor moved_gradient = torch::empty_like(flat);
  mlp.ParameterVjp(problem.parameters, distance.origin(), cotangents.mean, gradient);
  mlp.ParameterVjp(problem.parameters, distance.moved(), cotangents.moved_mean, moved_gradient);
  EXPECT_LT(RelativeError(gradient + moved_gradient, expected[0]), 1e-13);
  const Tensor sigma_gradient =
      shared ? cotangents.log_std.sum(1, true) : cotangents.log_std;
  EXPECT_LT(RelativeError(sigma_gradient, expected[1]), 1e-13);
}

INSTANTIATE_TEST_SUITE_P(DetachWeightShared, LossTest,
                         testing::Combine(testing::Bool(), testing::Bool(), testing::Bool()));

TEST(LossTest, ACoefficientOfZeroAddsNothingEvenWhereTheDifferenceIsInfinite) {
  Problem problem;
  problem.terms.coefficient = torch::tensor({0.0, 1.0}, kDouble);
  const GaussianPolicies policy = {problem.Mean(problem.parameters, problem.observations),
                                   problem.Expand(problem.log_std)};
  Tensor difference = torch::ones_like(policy.mean);
  difference[0] = std::numeric_limits<double>::infinity();
  SurrogateTerms plain = problem.terms;
  plain.coefficient = Tensor();
  const PolicyOutputs outputs = {policy, difference};
  EXPECT_EQ(SmoothSurrogate(outputs, problem.terms).loss[0].item<double>(),
            SmoothSurrogate(outputs, plain).loss[0].item<double>());
  EXPECT_TRUE(torch::equal(SurrogateGradient(outputs, problem.terms).mean[0],
                           SurrogateGradient(outputs, plain).mean[0]));
}

class FisherTest : public testing::TestWithParam<bool> {};

TEST_P(FisherTest, ProductEqualsTheHessianOfTheKlByAutograd) {
  const bool shared = GetParam();
  const Problem problem(shared);
  const int64_t network = NumParameters(problem.shape);
  const Tensor v =
      torch::randn({2, network + problem.log_std.size(1)}, kDouble);
  const Tensor policy =
      torch::cat({problem.parameters, problem.log_std}, 1).requires_grad_();
  const Tensor mean = problem.Mean(policy.slice(1, 0, network), problem.observations);
  const Tensor std = problem.Expand(policy.slice(1, network)).exp();
  const Tensor old_mean = mean.detach();
  const Tensor old_std = std.detach();
  const Tensor kl = (std.log() - old_std.log() +
                     (old_std.pow(2) + (old_mean - mean).pow(2)) / (2 * std.pow(2)) - 0.5)
                        .sum(2)
                        .mean(1)
                        .sum();
  const Tensor first = torch::autograd::grad({kl}, {policy}, {}, true, true)[0];
  const Tensor expected =
      torch::autograd::grad({(first * v).sum()}, {policy})[0] + 0.25 * v;

  BatchedMlp mlp(problem.shape, 2, {torch::kCPU, torch::kFloat64});
  MlpPoint point = mlp.NewPoint(Problem::kStates);
  mlp.Forward(problem.parameters, problem.observations, point);
  Tensor outputs = torch::empty_like(point.outputs());
  Tensor product = torch::full_like(v, NAN);
  FisherVectorProduct(mlp,
                      {.parameters = problem.parameters,
                       .point = point,
                       .log_std = problem.Expand(problem.log_std),
                       .shared_sigma = shared,
                       .damping = 0.25},
                      v, outputs, product);
  EXPECT_LT((product - expected).abs().max().item<double>(), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(SharedSigma, FisherTest, testing::Bool());

TEST(ConjugateGradientTest, SolvesEveryMembersSystem) {
  torch::manual_seed(6);
  const Tensor root = torch::randn({3, 12, 12}, kDouble);
  const Tensor matrix = root.matmul(root.transpose(1, 2)) + torch::eye(12, kDouble);
  const Tensor b = torch::randn({3, 12}, kDouble);
  ConjugateGradient solver(b);
  const CgSolution solution = solver.Solve(
      [&](const Tensor& v, Tensor& product) {
        product.copy_(matrix.matmul(v.unsqueeze(2)).squeeze(2));
      },
      b, 40);
  const Tensor expected = matrix.inverse().matmul(b.unsqueeze(2)).squeeze(2);
  EXPECT_LT((solution.x - expected).abs().max().item<double>(), 1e-9);
  EXPECT_LT((solution.x_matrix_x - (expected * b).sum(1)).abs().max().item<double>(), 1e-9);
}

TEST(ConjugateGradientTest, AMemberWithNothingToSolveStopsAndKeepsItsExactAnswer) {
  // Member 0: no right-hand side. 1: the identity, solved after one step. 2: no positive
  // curvature. 3: a product that is not a number.
  const Tensor b = torch::tensor({{0.0, 0.0}, {3.0, -4.0}, {1.0, 2.0}, {1.0, 1.0}}, kDouble);
  const Tensor scale =
      torch::tensor({1.0, 1.0, -1.0, static_cast<double>(NAN)}, kDouble).view({4, 1});
  ConjugateGradient solver(b);
  const CgSolution solution = solver.Solve(
      [&](const Tensor& v, Tensor& product) { torch::mul_out(product, v, scale); }, b, 10);
  EXPECT_TRUE(torch::equal(solution.x.slice(0, 0, 2), b.slice(0, 0, 2)));
  EXPECT_DOUBLE_EQ(solution.x_matrix_x[0].item<double>(), 0);
  EXPECT_DOUBLE_EQ(solution.x_matrix_x[1].item<double>(), 25);
  EXPECT_EQ(solution.x[2].abs().max().item<double>(), 0);
  EXPECT_TRUE(solution.x[3].isnan().all().item<bool>());
}

// Four members on a line, theta - ratio^j step: loss and KL as given functions of theta.
TEST(LineSearchTest, TakesTheFirstStepThatMeetsBothConditionsElseRestores) {
  const Tensor theta = torch::zeros({4, 1}, kDouble);
  const Tensor step = torch::full({4, 1}, -1.0, kDouble);  // tries 1, 0.5, 0.25, ...
  const auto loss_at = [](Tensor& at) {
    const Tensor x = at.squeeze(1);
    // 0: falls at once. 1: falls, but KL allows 0.3 only. 2: never falls. 3: NaN above 0.1.
    const Tensor loss = torch::stack({-x[0], -x[1], x[2], torch::where(x[3] > 0.1, x[3] * NAN, -x[3])});
    const Tensor kl = torch::stack({x[0] * 0, x[1], x[2] * 0, x[3] * 0});
    return TrustRegionLoss{loss, -loss, x, kl};
  };
  Tensor at = theta.clone();
  const LineSearchResult result = BacktrackingLineSearch(
      {.max_kl = 0.3, .backtracks = 6, .backtrack_ratio = 0.5}, {theta, step, loss_at(at)},
      loss_at);
  const std::vector<double> expected = {1, 0.25, 0, 0.0625};
  const std::vector<int64_t> backtracks = {0, 2, -1, 4};
  for (int m = 0; m < 4; ++m) {
    EXPECT_EQ(result.parameters[m][0].item<double>(), expected[m]);
    EXPECT_EQ(result.backtracks[m].item<int64_t>(), backtracks[m]);
    EXPECT_EQ(result.loss.nonsmoothness[m].item<double>(), expected[m]);
  }
}

TEST(LineSearchTest, EqualLossIsNoImprovement) {
  const Tensor theta = torch::zeros({1, 1}, kDouble);
  const auto loss_at = [](Tensor& at) {
    const Tensor zero = at.squeeze(1) * 0;
    return TrustRegionLoss{zero, zero, zero, zero};
  };
  Tensor at = theta.clone();
  const LineSearchResult result =
      BacktrackingLineSearch({}, {theta, theta + 1, loss_at(at)}, loss_at);
  EXPECT_EQ(result.backtracks[0].item<int64_t>(), -1);
  EXPECT_TRUE(torch::equal(result.parameters, theta));
}

}  // namespace
}  // namespace sr2l
