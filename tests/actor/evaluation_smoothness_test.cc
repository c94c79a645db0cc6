// Smoothness of actions, against closed forms and against a transform summed term by term.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "actor/evaluation/action_smoothness.h"
#include "actor/evaluation/evaluation_summary.h"
#include "tests/actor/evaluation_policies.h"

namespace sr2l {
namespace {

using ::testing::DoubleEq;

std::vector<float> Sinusoid(int length, int cycles, double amplitude, double offset) {
  std::vector<float> signal;
  for (int t = 0; t < length; ++t) {
    signal.push_back(static_cast<float>(
        offset + amplitude * std::sin(2 * std::numbers::pi * cycles * t / length)));
  }
  return signal;
}

std::vector<float> Alternating(int length, float amplitude) {
  std::vector<float> signal;
  for (int t = 0; t < length; ++t) signal.push_back(t % 2 == 0 ? amplitude : -amplitude);
  return signal;
}

// A sinusoid of whole cycles has one amplitude, its own, at one frequency: 2 cycles / T of
// half the control rate, averaged over T / 2 frequencies.
TEST(ActionSmoothnessTest, SpectralMeasureOfASinusoidIsAmplitudeTimesFrequency) {
  for (const int length : {1000, 64, 30}) {
    for (const int cycles : {1, 3, 14}) {
      for (const double amplitude : {0.1, 1.0}) {
        const double expected = amplitude * (2.0 * cycles / length) / (length / 2);
        const auto measured = MeasureActions(Sinusoid(length, cycles, amplitude, 0.3), 1);
        // Samples are rounded to float32, which spreads 1e-7 over all frequencies.
        EXPECT_NEAR(measured.spectral, expected, 1e-7) << length << " " << cycles;
      }
    }
  }
}

TEST(ActionSmoothnessTest, EnergyShareOfTwoSinusoidsIsThatOfTheirSquaredAmplitudes) {
  const int length = 200;
  const std::vector<float> slow = Sinusoid(length, 10, 0.6, 0.5);  // 0.1 of half the rate
  const std::vector<float> fast = Sinusoid(length, 70, 0.2, 0);    // 0.7
  std::vector<float> sum;
  for (int t = 0; t < length; ++t) sum.push_back(slow[t] + fast[t]);
  EXPECT_NEAR(MeasureActions(sum, 1).high_frequency_share, 0.04 / (0.36 + 0.04), 1e-6);
  EXPECT_NEAR(MeasureActions(slow, 1).high_frequency_share, 0, 1e-12);
  EXPECT_NEAR(MeasureActions(fast, 1).high_frequency_share, 1, 1e-12);
}

// Energy is the mean square: a / sqrt(2) of a sinusoid, a of an alternation.
TEST(ActionSmoothnessTest, EnergyAtHalfTheControlRateCountsAsMuchAsItHas) {
  const int length = 100;
  std::vector<float> sum = Sinusoid(length, 5, 0.6, 0);
  const std::vector<float> fast = Alternating(length, 0.2F);
  for (int t = 0; t < length; ++t) sum[t] += fast[t];
  EXPECT_NEAR(MeasureActions(sum, 1).high_frequency_share, 0.04 / (0.18 + 0.04), 1e-6);
}

TEST(ActionSmoothnessTest, AConstantActionIsPerfectlySmooth) {
  const auto measured = MeasureActions(std::vector<float>(3 * 77, 0.3F), 3);
  EXPECT_EQ(measured.spectral, 0);
  EXPECT_EQ(measured.fluctuation, 0);
  EXPECT_EQ(measured.variation, 0);
  EXPECT_EQ(measured.second_difference, 0);
  EXPECT_EQ(measured.high_frequency_share, 0);
}

TEST(ActionSmoothnessTest, AnAlternatingActionVariesByTwiceItsAmplitude) {
  const int length = 50;
  const auto measured = MeasureActions(Alternating(length, 0.25F), 1);
  EXPECT_THAT(measured.fluctuation, DoubleEq(0.5 * (length - 1) / length));
  EXPECT_THAT(measured.variation, DoubleEq(0.5));
  EXPECT_THAT(measured.second_difference, DoubleEq(1.0));
  EXPECT_THAT(measured.high_frequency_share, DoubleEq(1.0));
}

// Steps of (3, 4) k: length 5 k in the plane, 3.5 k by dimension, no second difference.
TEST(ActionSmoothnessTest, LengthsAreEuclideanAcrossDimensions) {
  std::vector<float> ramp;
  for (int t = 0; t < 11; ++t) ramp.insert(ramp.end(), {0.03125F * 3 * t, 0.03125F * 4 * t});
  const auto measured = MeasureActions(ramp, 2);
  EXPECT_THAT(measured.fluctuation, DoubleEq(5 * 0.03125 * 10 / 11));
  EXPECT_THAT(measured.variation, DoubleEq(3.5 * 0.03125));
  EXPECT_EQ(measured.second_difference, 0);
}

// The definition, with the transform summed term by term.
double SlowSpectral(const std::vector<float>& actions, int dimensions) {
  const int length = static_cast<int>(actions.size()) / dimensions;
  const int half = length / 2;
  double sum = 0;
  for (int dimension = 0; dimension < dimensions; ++dimension) {
    for (int i = 0; i < half; ++i) {
      std::complex<double> bin = 0;
      for (int t = 0; t < length; ++t) {
        bin += double{actions[t * dimensions + dimension]} *
               std::polar(1.0, -2 * std::numbers::pi * i * t / length);
      }
      sum += 2.0 / length * std::abs(bin) * (2.0 * i / length);
    }
  }
  return sum / (half * dimensions);
}

TEST(ActionSmoothnessTest, SpectralMeasureIsTheSumOfItsDefinitionAtAnyLength) {
  for (const int length : {2, 3, 7, 10, 97, 128, 211}) {
    const std::vector<float> actions = UniformFloats(static_cast<size_t>(3 * length), 5, 1.0);
    EXPECT_NEAR(MeasureActions(actions, 3).spectral, SlowSpectral(actions, 3), 1e-12) << length;
  }
}

TEST(ActionSmoothnessTest, WhatAShortEpisodeDoesNotDefineIsNotANumber) {
  const auto one = MeasureActions({0.5F, 0.1F}, 2);
  EXPECT_EQ(one.fluctuation, 0);
  EXPECT_TRUE(std::isnan(one.spectral));
  EXPECT_TRUE(std::isnan(one.variation));
  EXPECT_TRUE(std::isnan(one.high_frequency_share));
  const auto two = MeasureActions({0.5F, 0.1F}, 1);
  EXPECT_NEAR(two.variation, 0.4, 1e-7);
  EXPECT_TRUE(std::isnan(two.second_difference));
}

// Of 0, 1, ..., 10 every number can be told without counting.
TEST(DistributionTest, QuantilesLieBetweenNeighbours) {
  std::vector<double> values;
  for (int i = 10; i >= 0; --i) values.push_back(i);
  const Distribution distribution = Describe(values);
  EXPECT_THAT(distribution.mean, DoubleEq(5));
  EXPECT_THAT(distribution.deviation, DoubleEq(std::sqrt(11.0)));
  EXPECT_EQ(distribution.minimum, 0);
  EXPECT_THAT(distribution.median, DoubleEq(5));
  EXPECT_THAT(distribution.percentile_95, DoubleEq(9.5));
  EXPECT_EQ(distribution.maximum, 10);
}

TEST(DistributionTest, OneValueHasNoDeviationAndNoneHasNothing) {
  EXPECT_TRUE(std::isnan(Describe({3}).deviation));
  EXPECT_EQ(Describe({3}).percentile_95, 3);
  EXPECT_TRUE(std::isnan(Describe({}).mean));
}

}  // namespace
}  // namespace sr2l
