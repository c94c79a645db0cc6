#include "actor/exploration/exploration_noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "actor/exploration/noise_process.h"

namespace sr2l {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kActions = 3;

v1::ExplorationConfig OrnsteinUhlenbeck(double sigma, double theta, double dt) {
  v1::ExplorationConfig config;
  config.mutable_ornstein_uhlenbeck()->set_sigma(sigma);
  config.mutable_ornstein_uhlenbeck()->set_theta(theta);
  config.mutable_ornstein_uhlenbeck()->set_dt(dt);
  return config;
}

v1::ExplorationConfig Gaussian(double sigma) {
  v1::ExplorationConfig config;
  config.mutable_gaussian()->set_sigma(sigma);
  return config;
}

ExplorationNoise Noise(const v1::ExplorationConfig& config, uint64_t seed = 1,
                       int action_dim = kActions) {
  return ExplorationNoise(*MakeNoiseProcess(config), Philox(seed, Purpose::kExploration, 2),
                          action_dim);
}

std::vector<double> StateOf(const ExplorationNoise& noise) {
  v1::ResumeToken token;
  noise.Save(token);
  return {token.noise().begin(), token.noise().end()};
}

// The noise after each of `steps` steps from `first`, by action.
std::vector<std::vector<double>> Evolve(ExplorationNoise& noise, uint64_t first, uint64_t steps) {
  std::vector<std::vector<double>> states;
  for (uint64_t step = first; step < first + steps; ++step) {
    float action[kActions] = {};
    noise.Explore(step, action);
    states.push_back(StateOf(noise));
  }
  return states;
}

// ---- What the noise is --------------------------------------------------------------

// With a = 1 - theta dt the noise after t steps is a sum of independent normals, and its
// variance is sigma^2 dt (1 + a^2 + ... + a^(2 (t - 1))).
TEST(ExplorationNoiseTest, VarianceIsThatOfTheClosedForm) {
  constexpr int kSeeds = 4000;
  const double sigma = 0.2, theta = 0.15, dt = 0.01;
  std::vector<double> squares(1001);
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    ExplorationNoise noise = Noise(OrnsteinUhlenbeck(sigma, theta, dt), seed);
    const auto states = Evolve(noise, 0, 1000);
    for (const int t : {1, 100, 1000}) {
      for (const double x : states[t - 1]) squares[t] += x * x;
    }
  }
  const double a = 1 - theta * dt;
  for (const int t : {1, 100, 1000}) {
    const double expected = sigma * sigma * dt * (1 - std::pow(a, 2 * t)) / (1 - a * a);
    const double samples = kSeeds * kActions;
    // The mean of n squares of normals has a relative standard error of sqrt(2 / n): five.
    EXPECT_NEAR(squares[t] / samples / expected, 1, 5 * std::sqrt(2 / samples)) << t;
  }
}

// As the recursion is written: x <- x - theta x dt + sigma sqrt(dt) z. The same number in
// another order of operations: equal but for some units in the last place per step.
TEST(ExplorationNoiseTest, OrnsteinUhlenbeckFollowsItsRecursion) {
  const double sigma = 0.3, theta = 2, dt = 0.1;
  ExplorationNoise noise = Noise(OrnsteinUhlenbeck(sigma, theta, dt), /*seed=*/7);
  const Philox random(7, Purpose::kExploration, 2);
  const auto states = Evolve(noise, /*first=*/50, /*steps=*/200);
  std::vector<double> x(kActions);
  for (uint64_t i = 0; i < 200; ++i) {
    for (uint32_t k = 0; k < kActions; ++k) {
      x[k] = x[k] - theta * x[k] * dt + sigma * std::sqrt(dt) * random.Normal(50 + i, k);
      ASSERT_NEAR(states[i][k], x[k], 1e-14);
    }
  }
}

TEST(ExplorationNoiseTest, GaussianNoiseIsThatOfItsStepAlone) {
  ExplorationNoise noise = Noise(Gaussian(0.5), /*seed=*/7);
  const Philox random(7, Purpose::kExploration, 2);
  const auto states = Evolve(noise, 0, 100);
  for (uint64_t step = 0; step < 100; ++step) {
    for (uint32_t k = 0; k < kActions; ++k) {
      EXPECT_EQ(states[step][k], 0.5 * random.Normal(step, k));
    }
  }
}

TEST(ExplorationNoiseTest, ActionIsTheClippedSumOfMeanAndNoise) {
  ExplorationNoise noise = Noise(Gaussian(0.5), /*seed=*/7);
  const Philox random(7, Purpose::kExploration, 2);
  int clipped = 0;
  for (uint64_t step = 0; step < 200; ++step) {
    const float mean[kActions] = {-0.9f, 0.1f, 0.8f};
    float action[kActions] = {-0.9f, 0.1f, 0.8f};
    noise.Explore(step, action);
    for (uint32_t k = 0; k < kActions; ++k) {
      const double sum = mean[k] + 0.5 * random.Normal(step, k);
      EXPECT_EQ(action[k], static_cast<float>(std::min(1.0, std::max(-1.0, sum))));
      clipped += std::abs(sum) > 1;
    }
  }
  EXPECT_GT(clipped, 50);
}

TEST(ExplorationNoiseTest, WithoutAProcessActionsAreOnlyClipped) {
  ExplorationNoise noise(std::nullopt, Philox(1, Purpose::kExploration, 0), kActions);
  float action[kActions] = {-3, 0.25f, 1.5f};
  noise.Explore(0, action);
  EXPECT_THAT(action, ElementsAre(-1, 0.25f, 1));
  EXPECT_THAT(StateOf(noise), IsEmpty());
}

// ---- Its state ----------------------------------------------------------------------

TEST(ExplorationNoiseTest, RestoredNoiseGoesOnToTheSameBits) {
  ExplorationNoise uncut = Noise(OrnsteinUhlenbeck(0.2, 0.15, 0.01));
  Evolve(uncut, 0, 37);
  v1::ResumeToken token;
  uncut.Save(token);
  v1::ResumeToken arrived;
  ASSERT_TRUE(arrived.ParseFromString(token.SerializeAsString()));
  ExplorationNoise restored = Noise(OrnsteinUhlenbeck(0.2, 0.15, 0.01));
  Evolve(restored, 0, 3);
  ASSERT_TRUE(restored.Restore(arrived).ok());
  EXPECT_EQ(Evolve(restored, 37, 100), Evolve(uncut, 37, 100));
}

TEST(ExplorationNoiseTest, EpisodeStartsWithoutNoise) {
  ExplorationNoise noise = Noise(OrnsteinUhlenbeck(0.2, 0.15, 0.01));
  Evolve(noise, 0, 10);
  EXPECT_THAT(StateOf(noise), Each(testing::Ne(0)));
  noise.Reset();
  EXPECT_THAT(StateOf(noise), Each(0));
}

TEST(ExplorationNoiseTest, TokenThatDoesNotFitIsDataLoss) {
  ExplorationNoise noise = Noise(OrnsteinUhlenbeck(0.2, 0.15, 0.01));
  Evolve(noise, 0, 10);
  const std::vector<double> before = StateOf(noise);
  v1::ResumeToken token;
  const auto refused = [&] {
    const absl::Status status = noise.Restore(token);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    return std::string(status.message());
  };
  EXPECT_EQ(refused(), "resume token: noise must have 3 numbers for this experiment, got 0");
  for (int i = 0; i < 3; ++i) token.add_noise(i);
  token.set_noise(1, std::numeric_limits<double>::infinity());
  EXPECT_EQ(refused(), "resume token: noise[1] must be finite, got inf");
  token.add_noise(3);
  EXPECT_THAT(refused(), HasSubstr("must have 3 numbers for this experiment, got 4"));
  EXPECT_EQ(StateOf(noise), before);
}

// ---- Configurations -----------------------------------------------------------------

void ExpectRefused(const v1::ExplorationConfig& config, const std::string& expected) {
  const absl::Status status = MakeNoiseProcess(config).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()), expected);
}

TEST(NoiseProcessTest, BadNumbersAreNamedWithWhatIsAllowed) {
  ExpectRefused(OrnsteinUhlenbeck(-1, 0.15, 0.01),
                "exploration.ornstein_uhlenbeck.sigma must be in [0, 1000], got -1");
  ExpectRefused(OrnsteinUhlenbeck(std::nan(""), 0.15, 0.01),
                "exploration.ornstein_uhlenbeck.sigma must be in [0, 1000], got nan");
  ExpectRefused(OrnsteinUhlenbeck(0.2, 1001, 0.01),
                "exploration.ornstein_uhlenbeck.theta must be in [0, 1000], got 1001");
  ExpectRefused(OrnsteinUhlenbeck(0.2, 0.15, 0),
                "exploration.ornstein_uhlenbeck.dt must be in (0, 1000], got 0");
  ExpectRefused(OrnsteinUhlenbeck(0.2, 15, 0.1),
                "exploration.ornstein_uhlenbeck.theta * dt must be at most 1, got 1.5");
  ExpectRefused(Gaussian(-0.5), "exploration.gaussian.sigma must be in [0, 1000], got -0.5");
  ExpectRefused(v1::ExplorationConfig(),
                "exploration must have ornstein_uhlenbeck or gaussian, got neither");
}

TEST(NoiseProcessTest, LimitsOfTheRangesAreAllowed) {
  EXPECT_TRUE(MakeNoiseProcess(OrnsteinUhlenbeck(0, 0, 1000)).ok());
  EXPECT_TRUE(MakeNoiseProcess(OrnsteinUhlenbeck(1000, 1000, 0.001)).ok());
  EXPECT_TRUE(MakeNoiseProcess(Gaussian(0)).ok());
}

}  // namespace
}  // namespace sr2l
