// Steps that are taken with deterministic policies, exploration noise and normalized
// observations.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "actor/driver/driver.h"
#include "driver_fixture.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kSigma = 4;
constexpr double kTheta = 0.15;
constexpr double kDt = 0.01;

// Clips now and then, and falls often: an episode of Hopper has some 20 steps.
v1::Assignment Exploring() {
  v1::Assignment assignment = AssignmentOf(*BuiltinTask("hopper"));
  v1::OrnsteinUhlenbeckConfig& noise =
      *assignment.mutable_exploration()->mutable_ornstein_uhlenbeck();
  noise.set_sigma(kSigma);
  noise.set_theta(kTheta);
  noise.set_dt(kDt);
  return assignment;
}

std::vector<float> Floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

struct Recording {
  Stored stored;
  int episodes = 0;  // that ended
  int clipped = 0;   // actions
};

// What a stream of member 0 must have stored, by a loop without driver, leases and chunks.
Recording Expected(uint32_t stream) {
  const auto environment = *Environment::Create(*BuiltinTask("hopper"));
  const Philox random(SeedOf(0), Purpose::kExploration, stream);
  Recording expected;
  std::vector<double> noise(3);
  EXPECT_TRUE(environment->Reset(SeedOf(0), stream, 0).ok());
  for (uint64_t step = 0; step < kRounds * kStepsPerRound; ++step) {
    const auto policy = *Policy::Create(DeterministicPolicyOf(0, step / kStepsPerRound));
    std::vector<float> action(3);
    policy->network().Forward(environment->observation().data(), 1, action.data());
    for (uint32_t i = 0; i < 3; ++i) {
      noise[i] = (1 - kTheta * kDt) * noise[i] + kSigma * std::sqrt(kDt) * random.Normal(step, i);
      const float sum = static_cast<float>(action[i] + noise[i]);
      action[i] = std::min(1.0f, std::max(-1.0f, sum));
      expected.clipped += action[i] != sum;
    }
    expected.stored.observations.append(
        reinterpret_cast<const char*>(environment->observation().data()), 11 * sizeof(float));
    expected.stored.actions.append(reinterpret_cast<const char*>(action.data()), 3 * sizeof(float));
    const StepResult result = *environment->Step(action.data());
    if (result.terminated || result.truncated) {
      EXPECT_TRUE(environment->Reset(SeedOf(0), stream, ++expected.episodes).ok());
      noise.assign(3, 0.0);
    }
  }
  return expected;
}

void ExpectStored(const Store& store, uint32_t stream) {
  const Recording expected = Expected(stream);
  EXPECT_GT(expected.episodes, 3);
  EXPECT_GT(expected.clipped, 20);
  const Stored& actual = store.at({0, stream});
  EXPECT_EQ(actual.observations, expected.stored.observations);
  EXPECT_EQ(actual.actions, expected.stored.actions);
}

using DeterministicPolicyTest = DriverTest;

// ---- Exploration --------------------------------------------------------------------

TEST_F(DeterministicPolicyTest, StoredActionsAreTheClippedSumsOfMeanAndNoise) {
  Driver driver(world_, {});
  Assign(driver, Exploring());
  for (uint32_t stream = 0; stream < 3; ++stream) Grant(driver, 0, stream, /*epoch=*/5);
  AnswerOpenings(driver);
  for (uint64_t round = 0; round < kRounds; ++round) {
    Publish(driver, DeterministicPolicyOf(0, round));
    EXPECT_EQ(Drain(driver), static_cast<int>(3 * kStepsPerRound));
    AnswerChunks(driver);
  }
  for (uint32_t stream = 0; stream < 3; ++stream) ExpectStored(store_, stream);
}

// Leases that change hands in the middle of episodes carry the noise along.
TEST_F(DeterministicPolicyTest, StreamThatMovesKeepsItsNoise) {
  uint64_t epoch = 0;
  for (Stored& stored = store_[{0, 0}]; stored.next_step < kRounds * kStepsPerRound;) {
    FakeWorld world(store_);
    Driver driver(world, {});
    Assign(driver, Exploring());
    Grant(driver, 0, 0, ++epoch);
    AnswerOpenings(driver, world);
    Publish(driver, DeterministicPolicyOf(0, stored.next_step / kStepsPerRound));
    for (int step = 0; step < 7; ++step) driver.Step();
    Revoke(driver, 0, 0, epoch);
    AnswerChunks(driver, world);
    ASSERT_THAT(world.failures, IsEmpty());
  }
  EXPECT_GT(epoch, 15u);
  ExpectStored(store_, 0);
}

TEST_F(DeterministicPolicyTest, WithoutExplorationTheMeanIsTheAction) {
  Driver driver(world_, {});
  Assign(driver);
  Grant(driver, 0, 0, /*epoch=*/5);
  Publish(driver, DeterministicPolicyOf(0, 0));
  AnswerOpenings(driver);
  Drain(driver);
  AnswerChunks(driver);
  const auto policy = *Policy::Create(DeterministicPolicyOf(0, 0));
  const std::vector<float> observations = Floats(store_[{0, 0}].observations);
  std::vector<float> means(3 * kStepsPerRound);
  policy->network().Forward(observations.data(), kStepsPerRound, means.data());
  for (float& mean : means) mean = std::min(1.0f, std::max(-1.0f, mean));
  EXPECT_EQ(Floats(store_[{0, 0}].actions), means);
}

TEST_F(DeterministicPolicyTest, GaussianPolicyTakesNoExplorationNoise) {
  Driver driver(world_, {});
  Assign(driver, Exploring());
  Grant(driver, 0, 0, /*epoch=*/5);
  Publish(driver, PolicyOf(0, 0));
  AnswerOpenings(driver);
  Drain(driver);
  AnswerChunks(driver);
  const auto policy = *Policy::Create(PolicyOf(0, 0));
  const std::vector<float> observations = Floats(store_[{0, 0}].observations);
  std::vector<float> actions(3 * kStepsPerRound);
  policy->network().Forward(observations.data(), kStepsPerRound, actions.data());
  for (uint64_t step = 0; step < kStepsPerRound; ++step) {
    float* const action = &actions[3 * step];
    policy->Sample(action, SeedOf(0), /*stream=*/0, step, action);
  }
  EXPECT_EQ(Floats(store_[{0, 0}].actions), actions);
}

TEST_F(DeterministicPolicyTest, BadExplorationIsAFailureByName) {
  Driver driver(world_, {});
  v1::Assignment assignment = Exploring();
  assignment.mutable_exploration()->mutable_ornstein_uhlenbeck()->set_dt(-1);
  Assign(driver, assignment);
  EXPECT_THAT(world_.failures,
              ElementsAre("e-1: exploration.ornstein_uhlenbeck.dt must be in (0, 1000], got -1"));
}

TEST_F(DeterministicPolicyTest, TokenWithoutTheNoiseIsAFailure) {
  Driver driver(world_, {});
  StartOne(driver);  // without exploration
  Drain(driver);
  AnswerChunks(driver);
  driver.OnLeft();
  Assign(driver, Exploring());
  Grant(driver, 0, 0, /*epoch=*/6);
  AnswerOpenings(driver);
  ASSERT_EQ(world_.failures.size(), 1u);
  EXPECT_THAT(world_.failures[0],
              HasSubstr("resume token: noise must have 3 numbers for this experiment, got 0"));
}

// ---- Normalization ------------------------------------------------------------------

// The network's rows are made by hand: half of what lies above 0.25, at most 0.5.
TEST_F(DeterministicPolicyTest, NetworkSeesNormalizedObservationsAndTheChunkRawOnes) {
  v1::PolicySnapshot snapshot = DeterministicPolicyOf(0, 0);
  for (int i = 0; i < 11; ++i) {
    snapshot.mutable_normalization()->add_mean(0.25f);
    snapshot.mutable_normalization()->add_scale(0.5f);
  }
  snapshot.mutable_normalization()->set_clip(0.5f);
  Driver driver(world_, {});
  Assign(driver);
  Grant(driver, 0, 0, /*epoch=*/5);
  Publish(driver, snapshot);
  AnswerOpenings(driver);
  Drain(driver);
  AnswerChunks(driver);

  std::vector<float> rows = Floats(store_[{0, 0}].observations);
  EXPECT_GT(rows[0], 1.2f);  // Hopper stands 1.25 m high
  for (float& value : rows) {
    const float halved = (value - 0.25f) / 2;
    value = halved > 0.5f ? 0.5f : halved < -0.5f ? -0.5f : halved;
  }
  const auto policy = *Policy::Create(DeterministicPolicyOf(0, 0));
  std::vector<float> means(3 * kStepsPerRound);
  policy->network().Forward(rows.data(), kStepsPerRound, means.data());
  for (float& mean : means) mean = std::min(1.0f, std::max(-1.0f, mean));
  EXPECT_EQ(Floats(store_[{0, 0}].actions), means);
}

}  // namespace
}  // namespace sr2l
