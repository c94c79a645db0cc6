// Mean episode returns of policies that look at nothing, against measured figures of the
// benchmark tasks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "actor/environment/environment.h"
#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

enum class Actions { kUniform, kNormal, kZero };

// Mean and standard deviation over reference episodes.
struct Case {
  std::string name;
  Actions actions;
  std::string label;
  double mean;
  double deviation;
  double length;  // mean, steps; 0: not published
};

constexpr int kReferenceEpisodes = 20;
constexpr int kEpisodes = 20;

const Case kCases[] = {
    {"swimmer", Actions::kUniform, "uniform", -4, 10, 1000},
    {"swimmer", Actions::kNormal, "normal", 2, 11, 0},
    {"swimmer", Actions::kZero, "zero", -3, 19, 1000},
    {"half_cheetah", Actions::kUniform, "uniform", -294, 78, 1000},
    {"half_cheetah", Actions::kNormal, "normal", -361, 72, 0},
    {"half_cheetah", Actions::kZero, "zero", 0, 1, 1000},
    {"hopper", Actions::kUniform, "uniform", 18, 13, 22},
    {"hopper", Actions::kNormal, "normal", 16, 8, 0},
    {"hopper", Actions::kZero, "zero", 155, 58, 155},
    {"walker2d", Actions::kUniform, "uniform", 2, 6, 21},
    {"walker2d", Actions::kNormal, "normal", -2, 3, 0},
    {"walker2d", Actions::kZero, "zero", 96, 9, 108},
    {"ant", Actions::kUniform, "uniform", -41, 70, 121},
    {"ant", Actions::kNormal, "normal", -118, 268, 0},
    {"ant", Actions::kZero, "zero", 993, 5, 1000},
    {"inverted_pendulum", Actions::kUniform, "uniform", 6.5, 4, 6},
    {"inverted_pendulum", Actions::kNormal, "normal", 5.5, 3, 0},
    {"inverted_pendulum", Actions::kZero, "zero", 26, 7, 26},
};

struct Episodes {
  double mean_return = 0;
  double mean_length = 0;
  double length_deviation = 0;
};

Episodes PlayEpisodes(Environment& environment, Actions actions) {
  const Philox random(/*seed=*/3, Purpose::kExploration);
  std::vector<float> action(environment.action_dim());
  uint64_t index = 0;
  Episodes episodes;
  double squared_lengths = 0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    EXPECT_TRUE(environment.Reset(/*seed=*/3, /*stream=*/0, episode).ok());
    for (bool ended = false; !ended; ++index) {
      for (uint32_t i = 0; i < action.size(); ++i) {
        action[i] = actions == Actions::kZero ? 0.0f
                    : actions == Actions::kNormal
                        ? static_cast<float>(random.Normal(index, i))
                        : static_cast<float>(2 * random.Uniform(index, i) - 1);
      }
      const auto result = environment.Step(action.data());
      EXPECT_TRUE(result.ok());
      episodes.mean_return += result->reward / kEpisodes;
      ended = result->terminated || result->truncated;
    }
    const double length = environment.episode_step();
    episodes.mean_length += length / kEpisodes;
    squared_lengths += length * length / kEpisodes;
  }
  episodes.length_deviation =
      std::sqrt(squared_lengths - episodes.mean_length * episodes.mean_length);
  return episodes;
}

class RandomPolicyTest : public testing::TestWithParam<Case> {};

// Both means are estimates, so they differ by a few standard errors of their difference.
// The published figures are rounded to a digit: half a unit is added.
TEST_P(RandomPolicyTest, MeanReturnIsThatOfTheBenchmark) {
  const auto environment = Environment::Create(*BuiltinTask(GetParam().name));
  ASSERT_TRUE(environment.ok()) << environment.status();
  const Episodes episodes = PlayEpisodes(**environment, GetParam().actions);
  const double standard_errors = 3.5 * std::sqrt(1.0 / kReferenceEpisodes + 1.0 / kEpisodes);
  RecordProperty("mean_return", std::to_string(episodes.mean_return));
  EXPECT_NEAR(episodes.mean_return, GetParam().mean, standard_errors * GetParam().deviation + 0.5);
  if (GetParam().length == 0) return;
  // The spread of lengths was not published; the one seen here stands for it. (It is zero
  // where every episode lasts 1000 steps.)
  EXPECT_NEAR(episodes.mean_length, GetParam().length,
              standard_errors * episodes.length_deviation + 0.5);
}

INSTANTIATE_TEST_SUITE_P(Floors, RandomPolicyTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name + "_" + info.param.label; });

}  // namespace
}  // namespace sr2l
