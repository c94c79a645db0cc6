// What one update of Trpo does in cases with a known outcome, and what Trpo refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "learner/algorithms/trpo.h"
#include "tests/learner/algorithms/member_rounds.h"

namespace sr2l {
namespace {

using testing::HasSubstr;
using torch::Tensor;

TrpoOptions SmallOptions() {
  TrpoOptions options;
  options.policy = {.inputs = 3, .hidden = {8}, .outputs = 2};
  return options;
}

TEST(TrpoStepTest, SigmaNeverFallsBelowItsFloor) {
  TrpoOptions options = SmallOptions();
  options.initial_sigma = 0.5;
  options.minimum_sigma = 0.49;
  Trpo trpo(options, std::nullopt, {{.seed = 1}}, torch::kCPU);
  BatchedMlp mlp(options.policy, 1, {});
  MlpPoint point = mlp.NewPoint(200);
  for (uint64_t round = 0; round < 30; ++round) {
    RoundBatch batch = MemberRound({1, 200, 3, 2}, 0, round);
    mlp.Forward(trpo.policy_parameters(), batch.observations.flatten(1, 2), point);
    const Tensor noise = batch.actions * trpo.log_std().exp();
    batch.actions = point.outputs().view_as(noise) + noise;
    batch.rewards = -noise.square().sum(3);  // noise is punished
    trpo.Update(batch);
  }
  EXPECT_GE(trpo.log_std().exp().min().item<double>(), 0.49);
  EXPECT_LT(trpo.log_std().exp().min().item<double>(), 0.4901);
}

TEST(TrpoStepTest, EqualAdvantagesTakeNoStepAndAreNoFailure) {
  TrpoOptions options = SmallOptions();
  options.baseline = LinearBaselineOptions{};
  Trpo trpo(options, std::nullopt, {{.seed = 1}}, torch::kCPU);
  RoundBatch batch = MemberRound({1, 20, 3, 2}, 0, 0);
  batch.rewards.zero_();
  const Tensor before = trpo.policy_parameters();
  const TrpoStats stats = trpo.Update(batch);
  EXPECT_EQ(stats.failure[0], "");
  EXPECT_EQ(stats.backtracks[0].item<int>(), -1);
  EXPECT_TRUE(torch::equal(before, trpo.policy_parameters()));
}

TEST(TrpoStepTest, ALargerCoefficientGivesASmootherPolicy) {
  TrpoOptions options = SmallOptions();
  std::vector<double> after;
  Trpo trpo(options, SmoothnessOptions{},
            {{.seed = 1, .radius = 0.1, .coefficient = 0},
             {.seed = 1, .radius = 0.1, .coefficient = 10}},
            torch::kCPU);
  TrpoStats stats;
  for (uint64_t round = 0; round < 20; ++round) {
    const RoundBatch batch = Round({1, 200, 3, 2}, {0, 0}, round);
    stats = trpo.Update(batch);
  }
  EXPECT_LT(stats.nonsmoothness[1].item<double>(), 0.7 * stats.nonsmoothness[0].item<double>());
  EXPECT_GT(stats.perturbation_gain[0].item<double>(), 1);
}

TEST(TrpoConstructionTest, RefusesOptionsNamingThem) {
  const auto expect = [](const std::string& name, const std::function<void(TrpoOptions&)>& spoil) {
    TrpoOptions options = SmallOptions();
    spoil(options);
    try {
      Trpo trpo(options, std::nullopt, {{.seed = 1}}, torch::kCPU);
      ADD_FAILURE() << name << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  };
  expect("discount", [](TrpoOptions& o) { o.discount = 0; });
  expect("gae_lambda", [](TrpoOptions& o) { o.gae_lambda = 1.5; });
  expect("max_kl", [](TrpoOptions& o) { o.max_kl = NAN; });
  expect("cg_iterations", [](TrpoOptions& o) { o.cg_iterations = 0; });
  expect("damping", [](TrpoOptions& o) { o.damping = -1; });
  expect("backtracks", [](TrpoOptions& o) { o.backtracks = 0; });
  expect("backtrack_ratio", [](TrpoOptions& o) { o.backtrack_ratio = 1; });
  expect("initial_sigma", [](TrpoOptions& o) { o.initial_sigma = 0; });
  expect("minimum_sigma", [](TrpoOptions& o) { o.minimum_sigma = 2; });
  expect("width", [](TrpoOptions& o) { o.policy.hidden = {0}; });
  expect("epochs", [](TrpoOptions& o) { o.baseline = ValueNetworkOptions{.epochs = 0}; });
  expect("ridge", [](TrpoOptions& o) { o.baseline = LinearBaselineOptions{.ridge = 0}; });
  EXPECT_THROW(Trpo(SmallOptions(), std::nullopt, {}, torch::kCPU), std::invalid_argument);
  EXPECT_THROW(Trpo(SmallOptions(), std::nullopt, {{.coefficient = -1}}, torch::kCPU),
               std::invalid_argument);
  EXPECT_THROW(Trpo(SmallOptions(), SmoothnessOptions{}, {{.radius = 0}}, torch::kCPU),
               std::invalid_argument);
}

TEST(TrpoBatchTest, RefusesABatchThatDoesNotFitNamingTheTensor) {
  Trpo trpo(SmallOptions(), std::nullopt, {{.seed = 1}}, torch::kCPU);
  const auto expect = [&](const std::string& name, const std::function<void(RoundBatch&)>& spoil) {
    RoundBatch batch = MemberRound({1, 20, 3, 2}, 0, 0);
    spoil(batch);
    try {
      trpo.Update(batch);
      ADD_FAILURE() << name << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  };
  expect("observations", [](RoundBatch& b) { b.observations = torch::zeros({1, 1, 20, 4}); });
  expect("actions", [](RoundBatch& b) { b.actions = b.actions.to(torch::kFloat64); });
  expect("rewards", [](RoundBatch& b) { b.rewards = torch::zeros({20}); });
  expect("truncated", [](RoundBatch& b) { b.truncated = torch::zeros({1, 1, 19}); });
  EXPECT_EQ(trpo.updates(), 0u);
}

}  // namespace
}  // namespace sr2l
