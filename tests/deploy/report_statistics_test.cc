#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "deploy/report/statistics.h"

namespace sr2l {
namespace {

std::vector<double> NormalDraws(std::mt19937& generator, int count) {
  std::normal_distribution<double> normal(/*mean=*/3, /*stddev=*/2);
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(normal(generator));
  return values;
}

TEST(StatisticsTest, MeanAndDeviationAreThoseOfTheTextbook) {
  EXPECT_DOUBLE_EQ(Mean({2, 4, 4, 4, 5, 5, 7, 9}), 5);
  EXPECT_DOUBLE_EQ(StandardDeviation({2, 4, 4, 4, 5, 5, 7, 9}), std::sqrt(32.0 / 7));
  EXPECT_TRUE(std::isnan(Mean({})));
  EXPECT_TRUE(std::isnan(StandardDeviation({1})));
}

// The variance is half the mean squared difference of all pairs.
TEST(StatisticsTest, DeviationEqualsTheSumOverPairs) {
  std::mt19937 generator(1);
  const std::vector<double> values = NormalDraws(generator, 30);
  double squares = 0;
  for (const double a : values) {
    for (const double b : values) squares += (a - b) * (a - b);
  }
  EXPECT_NEAR(StandardDeviation(values), std::sqrt(squares / (2 * 30 * 29)), 1e-12);
}

TEST(StatisticsTest, QuantilesLieOnStraightLinesBetweenTheSortedNumbers) {
  const std::vector<double> values = {40, 10, 20};
  EXPECT_DOUBLE_EQ(Quantile(values, 0), 10);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.25), 15);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.5), 20);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.75), 30);
  EXPECT_DOUBLE_EQ(Quantile(values, 1), 40);
  EXPECT_DOUBLE_EQ(Quantile({7}, 0.3), 7);
}

// Of five numbers there are 3125 resamples: their means can all be written down. The drawn
// quantiles may be off by the Monte Carlo error of a share, 0.0016, so they lie between those
// of shares three such errors away.
TEST(BootstrapTest, TheIntervalIsThatOfAllResamples) {
  const std::vector<double> values = {1, 2.5, 3, 7, 11.25};
  std::vector<double> means;
  for (int code = 0; code < 3125; ++code) {
    double sum = 0;
    for (int i = 0, rest = code; i < 5; ++i, rest /= 5) sum += values[rest % 5];
    means.push_back(sum / 5);
  }
  std::sort(means.begin(), means.end());
  const Interval interval = BootstrapInterval(values);
  EXPECT_GE(interval.low, means[static_cast<size_t>(0.020 * 3125)]);
  EXPECT_LE(interval.low, means[static_cast<size_t>(0.030 * 3125)]);
  EXPECT_GE(interval.high, means[static_cast<size_t>(0.970 * 3125)]);
  EXPECT_LE(interval.high, means[static_cast<size_t>(0.980 * 3125)]);
}

// With 40 draws each the nominal coverage is almost reached; 400 repetitions have a standard
// error of 0.011.
TEST(BootstrapTest, TheIntervalHoldsTheTrueMeanAboutAsOftenAsItSays) {
  std::mt19937 generator(2);
  int covered = 0;
  for (int repetition = 0; repetition < 400; ++repetition) {
    const Interval interval = BootstrapInterval(NormalDraws(generator, 40));
    covered += interval.low <= 3 && 3 <= interval.high;
  }
  EXPECT_GE(covered, 0.90 * 400);
  EXPECT_LE(covered, 0.98 * 400);
}

TEST(BootstrapTest, TheIntervalDependsOnTheNumbersAlone) {
  const Interval one = BootstrapInterval({1, 5, 2, 8});
  const Interval other = BootstrapInterval({8, 2, 5, 1});
  EXPECT_EQ(one.low, other.low);
  EXPECT_EQ(one.high, other.high);
}

TEST(BootstrapTest, EqualNumbersHaveAPointAndOneNumberHasNone) {
  EXPECT_EQ(BootstrapInterval({4, 4, 4}).low, 4);
  EXPECT_EQ(BootstrapInterval({4, 4, 4}).high, 4);
  EXPECT_TRUE(std::isnan(BootstrapInterval({4}).low));
}

}  // namespace
}  // namespace sr2l
