#include "common/policy/gaussian_actor.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/random/philox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 2 inputs, 3 outputs, no hidden layer: mean = parameters' bias for the zero observation.
v1::PolicySnapshot Snapshot(std::vector<float> log_std) {
  v1::PolicySnapshot snapshot;
  snapshot.set_version(42);
  snapshot.mutable_network()->set_inputs(2);
  snapshot.mutable_network()->set_outputs(3);
  snapshot.mutable_network()->set_activation(v1::TANH);
  snapshot.mutable_network()->set_output_activation(v1::LINEAR);
  const std::vector<float> parameters = {1, 2, 3, 4, 5, 6, -1, 0.5, 2};
  snapshot.set_parameters(parameters.data(), parameters.size() * sizeof(float));
  for (const float value : log_std) snapshot.add_log_std(value);
  return snapshot;
}

TEST(GaussianActorTest, ASnapshotComesOutAsItWentIn) {
  const auto actor = GaussianActor::Create(Snapshot({0, std::log(2.0f), -1})).value();
  EXPECT_EQ(actor->version(), 42u);
  EXPECT_EQ(actor->observation_dim(), 2);
  EXPECT_EQ(actor->action_dim(), 3);
  EXPECT_THAT(actor->sigma(), ElementsAre(1.0f, testing::FloatEq(2.0f),
                                          testing::FloatEq(static_cast<float>(std::exp(-1.0)))));
  const float observation[2] = {1, 10};
  float mean[3];
  actor->network().Forward(observation, 1, mean);
  EXPECT_THAT(mean, ElementsAre(40.0f, 52.5f, 65.0f));
}

TEST(GaussianActorTest, OneLogStdIsSharedByAllActions) {
  const auto actor = GaussianActor::Create(Snapshot({-0.5})).value();
  const float sigma = static_cast<float>(std::exp(-0.5));
  EXPECT_THAT(actor->sigma(), ElementsAre(sigma, sigma, sigma));
}

TEST(GaussianActorTest, ASampleIsTheMeanPlusSigmaTimesTheNoiseOfItsStep) {
  const auto actor = GaussianActor::Create(Snapshot({0, 1, -1})).value();
  const float mean[3] = {-1, 0, 3};
  float action[3];
  actor->Sample(mean, /*seed=*/5, /*stream=*/2, /*step=*/1234567890123, action);
  const Philox noise(5, Purpose::kExploration, 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FLOAT_EQ(action[i], mean[i] + actor->sigma()[i] * noise.Normal(1234567890123, i));
  }
}

TEST(GaussianActorTest, SamplingInPlaceGivesTheSameBits) {
  const auto actor = GaussianActor::Create(Snapshot({0, 1, -1})).value();
  const float mean[3] = {-1, 0, 3};
  float action[3];
  actor->Sample(mean, 5, 2, 17, action);
  float in_place[3] = {-1, 0, 3};
  actor->Sample(in_place, 5, 2, 17, in_place);
  EXPECT_THAT(in_place, testing::ElementsAreArray(action));
}

TEST(GaussianActorTest, SamplesOfManyStepsHaveTheMeanAndTheDeviation) {
  const auto actor = GaussianActor::Create(Snapshot({0, std::log(0.1f), std::log(5.0f)})).value();
  const float mean[3] = {-1, 0, 3};
  constexpr int kSteps = 20000;
  double sum[3] = {};
  double squares[3] = {};
  for (int step = 0; step < kSteps; ++step) {
    float action[3];
    actor->Sample(mean, 11, 0, step, action);
    for (int i = 0; i < 3; ++i) {
      sum[i] += action[i];
      squares[i] += (action[i] - mean[i]) * (action[i] - mean[i]);
    }
  }
  for (int i = 0; i < 3; ++i) {
    const double sigma = actor->sigma()[i];
    // Five standard errors of a mean and of a variance.
    EXPECT_NEAR(sum[i] / kSteps, mean[i], 5 * sigma / std::sqrt(kSteps));
    EXPECT_NEAR(squares[i] / kSteps / (sigma * sigma), 1, 5 * std::sqrt(2.0 / kSteps));
  }
}

void ExpectRefused(const v1::PolicySnapshot& snapshot, const std::string& expected) {
  const auto actor = GaussianActor::Create(snapshot);
  EXPECT_EQ(actor.status().code(), absl::StatusCode::kInvalidArgument) << expected;
  EXPECT_THAT(std::string(actor.status().message()), HasSubstr(expected));
}

TEST(GaussianActorTest, AWrongNumberOfLogStdIsRefused) {
  ExpectRefused(Snapshot({}), "log_std must have 1 or 3 elements, got 0");
  ExpectRefused(Snapshot({0, 0}), "log_std must have 1 or 3 elements, got 2");
  ExpectRefused(Snapshot({0, 0, 0, 0}), "log_std must have 1 or 3 elements, got 4");
}

TEST(GaussianActorTest, ALogStdWithoutAFiniteSigmaIsRefused) {
  ExpectRefused(Snapshot({0, std::nanf(""), 0}), "log_std[1] must be finite");
  ExpectRefused(Snapshot({0, 0, std::numeric_limits<float>::infinity()}), "log_std[2]");
  ExpectRefused(Snapshot({-std::numeric_limits<float>::infinity()}), "log_std[0]");
  ExpectRefused(Snapshot({100}), "log_std[0]");
}

TEST(GaussianActorTest, AnEmptySnapshotIsRefused) {
  ExpectRefused(v1::PolicySnapshot(), "network.inputs must be in [1, 10000], got 0");
}

}  // namespace
}  // namespace sr2l
