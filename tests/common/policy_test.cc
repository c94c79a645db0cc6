#include "common/policy/policy.h"

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

TEST(PolicyTest, ASnapshotComesOutAsItWentIn) {
  const auto policy = Policy::Create(Snapshot({0, std::log(2.0f), -1})).value();
  EXPECT_EQ(policy->version(), 42u);
  EXPECT_EQ(policy->observation_dim(), 2);
  EXPECT_EQ(policy->action_dim(), 3);
  EXPECT_THAT(policy->sigma(), ElementsAre(1.0f, testing::FloatEq(2.0f),
                                           testing::FloatEq(static_cast<float>(std::exp(-1.0)))));
  const float observation[2] = {1, 10};
  float mean[3];
  policy->network().Forward(observation, 1, mean);
  EXPECT_THAT(mean, ElementsAre(40.0f, 52.5f, 65.0f));
}

TEST(PolicyTest, OneLogStdIsSharedByAllActions) {
  const auto policy = Policy::Create(Snapshot({-0.5})).value();
  const float sigma = static_cast<float>(std::exp(-0.5));
  EXPECT_THAT(policy->sigma(), ElementsAre(sigma, sigma, sigma));
}

TEST(PolicyTest, ASampleIsTheMeanPlusSigmaTimesTheNoiseOfItsStep) {
  const auto policy = Policy::Create(Snapshot({0, 1, -1})).value();
  const float mean[3] = {-1, 0, 3};
  float action[3];
  policy->Sample(mean, /*seed=*/5, /*stream=*/2, /*step=*/1234567890123, action);
  const Philox noise(5, Purpose::kExploration, 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FLOAT_EQ(action[i], mean[i] + policy->sigma()[i] * noise.Normal(1234567890123, i));
  }
}

TEST(PolicyTest, SamplingInPlaceGivesTheSameBits) {
  const auto policy = Policy::Create(Snapshot({0, 1, -1})).value();
  const float mean[3] = {-1, 0, 3};
  float action[3];
  policy->Sample(mean, 5, 2, 17, action);
  float in_place[3] = {-1, 0, 3};
  policy->Sample(in_place, 5, 2, 17, in_place);
  EXPECT_THAT(in_place, testing::ElementsAreArray(action));
}

TEST(PolicyTest, SamplesOfManyStepsHaveTheMeanAndTheDeviation) {
  const auto policy = Policy::Create(Snapshot({0, std::log(0.1f), std::log(5.0f)})).value();
  const float mean[3] = {-1, 0, 3};
  constexpr int kSteps = 20000;
  double sum[3] = {};
  double squares[3] = {};
  for (int step = 0; step < kSteps; ++step) {
    float action[3];
    policy->Sample(mean, 11, 0, step, action);
    for (int i = 0; i < 3; ++i) {
      sum[i] += action[i];
      squares[i] += (action[i] - mean[i]) * (action[i] - mean[i]);
    }
  }
  for (int i = 0; i < 3; ++i) {
    const double sigma = policy->sigma()[i];
    // Five standard errors of a mean and of a variance.
    EXPECT_NEAR(sum[i] / kSteps, mean[i], 5 * sigma / std::sqrt(kSteps));
    EXPECT_NEAR(squares[i] / kSteps / (sigma * sigma), 1, 5 * std::sqrt(2.0 / kSteps));
  }
}

void ExpectRefused(const v1::PolicySnapshot& snapshot, const std::string& expected) {
  const auto policy = Policy::Create(snapshot);
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument) << expected;
  EXPECT_THAT(std::string(policy.status().message()), HasSubstr(expected));
}

TEST(PolicyTest, AWrongNumberOfLogStdIsRefused) {
  ExpectRefused(Snapshot({0, 0}), "log_std must have 0, 1 or 3 elements, got 2");
  ExpectRefused(Snapshot({0, 0, 0, 0}), "log_std must have 0, 1 or 3 elements, got 4");
}

TEST(PolicyTest, ALogStdWithoutAFiniteSigmaIsRefused) {
  ExpectRefused(Snapshot({0, std::nanf(""), 0}), "log_std[1] must be finite");
  ExpectRefused(Snapshot({0, 0, std::numeric_limits<float>::infinity()}), "log_std[2]");
  ExpectRefused(Snapshot({-std::numeric_limits<float>::infinity()}), "log_std[0]");
  ExpectRefused(Snapshot({100}), "log_std[0]");
}

TEST(PolicyTest, WithoutLogStdItIsDeterministic) {
  const auto policy = Policy::Create(Snapshot({})).value();
  EXPECT_FALSE(policy->is_gaussian());
  EXPECT_THAT(policy->sigma(), testing::IsEmpty());
  EXPECT_TRUE(Policy::Create(Snapshot({0})).value()->is_gaussian());
}

// ---- Normalization ------------------------------------------------------------------

v1::PolicySnapshot Normalized() {
  v1::PolicySnapshot snapshot = Snapshot({0});
  snapshot.mutable_normalization()->add_mean(1);
  snapshot.mutable_normalization()->add_mean(-2);
  snapshot.mutable_normalization()->add_scale(0.5);
  snapshot.mutable_normalization()->add_scale(4);
  snapshot.mutable_normalization()->set_clip(10);
  return snapshot;
}

TEST(PolicyTest, ObservationsAreNormalizedByTheSnapshotsStatistics) {
  const auto policy = Policy::Create(Normalized()).value();
  float observation[2] = {4, -1.75};
  float normalized[2];
  policy->Normalize(observation, normalized);
  EXPECT_THAT(normalized, ElementsAre(1.5, 1));
  observation[1] = 100;
  policy->Normalize(observation, observation);
  EXPECT_THAT(observation, ElementsAre(1.5, 10));
}

TEST(PolicyTest, WithoutStatisticsObservationsStayAsTheyAre) {
  const auto policy = Policy::Create(Snapshot({})).value();
  const float observation[2] = {4, -1e30f};
  float normalized[2];
  policy->Normalize(observation, normalized);
  EXPECT_THAT(normalized, ElementsAre(4, -1e30f));
}

TEST(PolicyTest, ABadNormalizationIsRefused) {
  const auto expect_refused = [](auto&& change, const std::string& expected) {
    v1::PolicySnapshot snapshot = Normalized();
    change(*snapshot.mutable_normalization());
    ExpectRefused(snapshot, expected);
  };
  using Bad = v1::ObservationNormalization;
  expect_refused([](Bad& bad) { bad.add_mean(0); },
                 "normalization.mean must have 2 elements, got 3");
  expect_refused([](Bad& bad) { bad.clear_scale(); },
                 "normalization.scale must have 2 elements, got 0");
  expect_refused([](Bad& bad) { bad.set_mean(1, std::nanf("")); },
                 "normalization.mean[1] must be finite, got nan");
  expect_refused([](Bad& bad) { bad.set_scale(0, 0); },
                 "normalization.scale[0] must be finite and > 0, got 0");
  expect_refused([](Bad& bad) { bad.set_scale(1, std::numeric_limits<float>::infinity()); },
                 "normalization.scale[1] must be finite and > 0, got inf");
  expect_refused([](Bad& bad) { bad.clear_clip(); },
                 "normalization.clip must be finite and > 0, got 0");
  expect_refused([](Bad& bad) { bad.set_clip(-1); },
                 "normalization.clip must be finite and > 0, got -1");
}

TEST(PolicyTest, AnEmptySnapshotIsRefused) {
  ExpectRefused(v1::PolicySnapshot(), "network.inputs must be in [1, 10000], got 0");
}

}  // namespace
}  // namespace sr2l
