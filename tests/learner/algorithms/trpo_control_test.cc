// TRPO-SR on a control problem whose best controller is known: a linear system with a
// quadratic cost.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/random/philox.h"
#include "learner/algorithms/trpo.h"
#include "learner/nn/mlp.h"

namespace sr2l {
namespace {

using torch::Tensor;

constexpr double kPush = 0.4;        // x' = x + kPush a
constexpr double kActionCost = 0.1;  // reward = -(x^2 + kActionCost a^2)
constexpr int64_t kEpisode = 25;
constexpr int64_t kSteps = 1000;

MlpShape Policy() { return {.inputs = 1, .hidden = {16, 16}, .outputs = 1}; }

// The mean action of member m at position x.
double MeanAction(const Tensor& parameters, double x) {
  BatchedMlp mlp(Policy(), 1, {});
  MlpPoint point = mlp.NewPoint(1);
  mlp.Forward(parameters, torch::full({1, 1, 1}, x), point);
  return point.outputs().item<double>();
}

// One member's round: episodes of kEpisode steps from x ~ U[-2, 2], cut by a step limit.
void Collect(const Tensor& parameters, double sigma, uint64_t seed, uint64_t round, int64_t m,
             RoundBatch& batch) {
  BatchedMlp mlp(Policy(), 1, {});
  MlpPoint point = mlp.NewPoint(1);
  const Philox reset(seed, Purpose::kReset);
  const Philox noise(seed, Purpose::kExploration);
  double x = 0;
  for (int64_t t = 0; t < kSteps; ++t) {
    const uint64_t step = round * kSteps + t;
    if (t % kEpisode == 0) x = 4 * reset.Uniform(step, 0) - 2;
    mlp.Forward(parameters, torch::full({1, 1, 1}, x), point);
    const double action = point.outputs().item<double>() + sigma * noise.Normal(step, 0);
    const auto at = [&](const Tensor& tensor) { return tensor.flatten(1).data_ptr<float>() + m * kSteps + t; };
    *at(batch.observations) = static_cast<float>(x);
    *at(batch.actions) = static_cast<float>(action);
    *at(batch.rewards) = static_cast<float>(-(x * x + kActionCost * action * action));
    *at(batch.truncated) = t % kEpisode == kEpisode - 1 ? 1.0f : 0.0f;
    *at(batch.episode_step) = static_cast<float>(t % kEpisode);
    x += kPush * action;
    *at(batch.next_observations) = static_cast<float>(x);
  }
}

// Mean cost of an episode over starts spread over [-2, 2], without noise.
template <typename Controller>
double EpisodeCost(const Controller& controller) {
  double sum = 0;
  for (int start = 0; start < 9; ++start) {
    double x = -2 + 0.5 * start;
    for (int64_t t = 0; t < kEpisode; ++t) {
      const double action = controller(x);
      sum += x * x + kActionCost * action * action;
      x += kPush * action;
    }
  }
  return sum / 9;
}

// The gain of the best linear controller by value iteration on its quadratic cost.
double RiccatiGain() {
  double p = 1;
  double gain = 0;
  for (int i = 0; i < 1000; ++i) {
    gain = p * kPush / (kActionCost + p * kPush * kPush);
    p = 1 + kActionCost * gain * gain + p * (1 - kPush * gain) * (1 - kPush * gain);
  }
  return gain;
}

class TrpoControlTest : public testing::TestWithParam<int> {};

TEST_P(TrpoControlTest, ComesCloseToTheBestControllerOfALinearSystem) {
  const double gain = RiccatiGain();
  const double best = EpisodeCost([gain](double x) { return -gain * x; });
  TrpoOptions options;
  options.policy = Policy();
  options.discount = 0.95;
  if (GetParam() == 0) {
    options.baseline = LinearBaselineOptions{};
  } else {
    options.baseline = ValueNetworkOptions{.learning_rate = 5e-3};
  }
  const std::vector<MemberOptions> members = {{.seed = 1, .radius = 0.01, .coefficient = 0},
                                              {.seed = 2, .radius = 0.01, .coefficient = 1}};
  Trpo trpo(options, SmoothnessOptions{}, members, torch::kCPU);
  const auto costs = [&] {
    std::vector<double> result;
    for (int64_t m = 0; m < 2; ++m) {
      const Tensor parameters = trpo.policy_parameters().narrow(0, m, 1);
      result.push_back(EpisodeCost([&](double x) { return MeanAction(parameters, x); }));
    }
    return result;
  };
  const std::vector<double> before = costs();
  for (uint64_t round = 0; round < 60; ++round) {
    RoundBatch batch;
    batch.observations = torch::zeros({2, 1, kSteps, 1});
    batch.next_observations = torch::zeros_like(batch.observations);
    batch.actions = torch::zeros_like(batch.observations);
    batch.rewards = torch::zeros({2, 1, kSteps});
    batch.terminated = torch::zeros_like(batch.rewards);
    batch.truncated = torch::zeros_like(batch.rewards);
    batch.episode_step = torch::zeros_like(batch.rewards);
    for (int64_t m = 0; m < 2; ++m) {
      Collect(trpo.policy_parameters().narrow(0, m, 1), trpo.log_std()[m].exp().item<double>(),
              members[m].seed, round, m, batch);
    }
    const TrpoStats stats = trpo.Update(batch);
    for (const std::string& failure : stats.failure) ASSERT_EQ(failure, "");
  }
  const std::vector<double> after = costs();
  for (int m = 0; m < 2; ++m) {
    EXPECT_GT(before[m], 5 * best);
    EXPECT_LT(after[m], 1.15 * best);  // measured: at most 1.07
    RecordProperty("cost_over_best_" + std::to_string(m), std::to_string(after[m] / best));
  }
}

INSTANTIATE_TEST_SUITE_P(BothBaselines, TrpoControlTest, testing::Values(0, 1));

}  // namespace
}  // namespace sr2l
