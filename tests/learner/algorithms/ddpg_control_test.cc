// DDPG and its variants on a point that is pushed along a line: a linear system with a
// quadratic cost and a bounded push.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "learner/nn/mlp.h"

namespace sr2l {
namespace {

using torch::Tensor;

constexpr double kPush = 0.4;        // x' = x + kPush a, |a| <= 1
constexpr double kActionCost = 0.1;  // reward = -(x^2 + kActionCost a^2)
constexpr int64_t kEpisode = 25;
constexpr int64_t kEpisodes = 160;
constexpr int64_t kSteps = kEpisode * kEpisodes;
constexpr double kDiscount = 0.95;

DdpgOptions Options() {
  DdpgOptions options;
  options.discount = kDiscount;
  options.actor_learning_rate = 1e-3;
  options.critic_learning_rate = 5e-3;
  options.actor.inputs = 1;
  options.actor.outputs = 1;
  options.actor.hidden = {32, 32};
  options.critic.inputs = 2;
  options.critic.hidden = {32, 32};
  return options;
}

// The policy of one member.
class Controller {
 public:
  explicit Controller(Tensor parameters)
      : mlp_(Options().actor, 1, {}),
        point_(mlp_.NewPoint(1)),
        parameters_(std::move(parameters)) {}

  double operator()(double x) {
    const Tensor position = torch::full({1, 1, 1}, x);
    mlp_.Forward(parameters_, position, point_);
    return point_.outputs().item<double>();
  }

 private:
  BatchedMlp mlp_;
  MlpPoint point_;
  const Tensor parameters_;
};

// All steps so far, by columns, on which batches are drawn.
class Experience {
 public:
  void RunEpisode(Controller policy, std::mt19937& random) {
    double x = std::uniform_real_distribution<double>(-2, 2)(random);
    for (int64_t t = 0; t < kEpisode; ++t) {
      const double noise = std::normal_distribution<double>(0, 0.3)(random);
      const double action = std::clamp(policy(x) + noise, -1.0, 1.0);
      const double next = x + kPush * action;
      rows_.push_back({x, action, -(x * x + kActionCost * action * action), next, 0,
                       t + 1 == kEpisode ? 1.0 : 0.0});
      x = next;
    }
  }

  TransitionBlock Sample(int64_t count, std::mt19937& random) const {
    std::uniform_int_distribution<size_t> row(0, rows_.size() - 1);
    Tensor columns = torch::empty({6, count});
    for (int64_t i = 0; i < count; ++i) {
      const std::array<double, 6>& step = rows_[row(random)];
      for (int64_t k = 0; k < 6; ++k) columns[k].data_ptr<float>()[i] = static_cast<float>(step[k]);
    }
    return {.observations = columns[0].view({1, count, 1}),
            .actions = columns[1].view({1, count, 1}),
            .rewards = columns[2].view({1, count}),
            .next_observations = columns[3].view({1, count, 1}),
            .terminated = columns[4].view({1, count}),
            .truncated = columns[5].view({1, count})};
  }

 private:
  std::vector<std::array<double, 6>> rows_;
};

// Mean cost of an episode over starts spread over [-2, 2], without noise.
template <typename Policy>
double EpisodeCost(Policy policy) {
  double sum = 0;
  for (int start = 0; start < 9; ++start) {
    double x = -2 + 0.5 * start;
    for (int64_t t = 0; t < kEpisode; ++t) {
      const double action = policy(x);
      sum += x * x + kActionCost * action * action;
      x += kPush * action;
    }
  }
  return sum / 9;
}

// The best linear controller's gain by value iteration on its quadratic cost; its push is cut
// to the allowed one.
double RiccatiGain() {
  double p = 1;
  double gain = 0;
  for (int i = 0; i < 1000; ++i) {
    gain = p * kPush / (kActionCost + p * kPush * kPush);
    p = 1 + kActionCost * gain * gain + p * (1 - kPush * gain) * (1 - kPush * gain);
  }
  return gain;
}

class DdpgControlTest : public testing::TestWithParam<std::optional<DdpgSmoothness>> {};

// The last policy of so short a run is a noisy one: with other seeds its cost was mostly 1.0 to
// 2.4 times the best. Before, it is 61 times the best.
TEST_P(DdpgControlTest, CutsTheCostOfTheUntrainedPolicyTenfold) {
  const double gain = RiccatiGain();
  const double best = EpisodeCost([gain](double x) { return std::clamp(-gain * x, -1.0, 1.0); });
  Ddpg ddpg(Options(), GetParam(), {{.seed = 3, .radius = 0.05, .coefficient = 1}}, torch::kCPU);
  const double before = EpisodeCost(Controller(ddpg.actor_parameters()));
  std::mt19937 random(11);
  Experience experience;
  for (int64_t episode = 0; episode < kEpisodes; ++episode) {
    experience.RunEpisode(Controller(ddpg.actor_parameters()), random);
    const DdpgStats stats = ddpg.Update(0, experience.Sample(kEpisode * 64, random));
    ASSERT_EQ(stats.failure[0], "");
  }
  const double after = EpisodeCost(Controller(ddpg.actor_parameters()));
  RecordProperty("cost_over_best_before", std::to_string(before / best));
  RecordProperty("cost_over_best_after", std::to_string(after / best));
  EXPECT_EQ(ddpg.updates(0), static_cast<uint64_t>(kSteps));
  EXPECT_GT(before, 50 * best);
  EXPECT_LT(after, 0.1 * before);  // measured: at most 0.02
}

INSTANTIATE_TEST_SUITE_P(Variants, DdpgControlTest,
                         testing::Values(std::nullopt,
                                         DdpgSmoothness{SmoothnessTarget::kPolicy, {}},
                                         DdpgSmoothness{SmoothnessTarget::kCritic, {}}));

}  // namespace
}  // namespace sr2l
