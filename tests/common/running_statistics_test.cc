#include "common/statistics/running_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/random/philox.h"
#include "common/statistics/normalize_row.h"
#include "common/statistics/statistics_proto.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kDimension = 3;

// Row `index` of observations whose coordinates differ in place and width: 0 +- 1,
// 1000 +- 0.1, -5 +- 300.
std::vector<float> Row(uint64_t index) {
  const Philox random(/*seed=*/3, Purpose::kReset);
  const double mean[kDimension] = {0, 1000, -5};
  const double deviation[kDimension] = {1, 0.1, 300};
  std::vector<float> row(kDimension);
  for (int i = 0; i < kDimension; ++i) {
    row[i] = static_cast<float>(mean[i] + deviation[i] * random.Normal(index, i));
  }
  return row;
}

// Of rows [first, end).
RunningStatistics Counted(uint64_t first, uint64_t end) {
  RunningStatistics statistics(kDimension);
  for (uint64_t index = first; index < end; ++index) statistics.Add(Row(index).data());
  return statistics;
}

struct Moments {
  long double mean = 0;
  long double squares = 0;
};

// In two passes.
Moments MomentsOf(int coordinate, uint64_t count) {
  Moments moments;
  for (uint64_t index = 0; index < count; ++index) moments.mean += Row(index)[coordinate];
  moments.mean /= count;
  for (uint64_t index = 0; index < count; ++index) {
    const long double deviation = Row(index)[coordinate] - moments.mean;
    moments.squares += deviation * deviation;
  }
  return moments;
}

// To a part `tolerance` of each number; of a mean, of what is added up: |mean| + deviation.
void ExpectMoments(const RunningStatistics& statistics, double tolerance) {
  for (int i = 0; i < kDimension; ++i) {
    const Moments expected = MomentsOf(i, statistics.count());
    const double deviation = static_cast<double>(std::sqrt(expected.squares / statistics.count()));
    const double squares = static_cast<double>(expected.squares);
    const double mean = static_cast<double>(expected.mean);
    EXPECT_NEAR(statistics.mean()[i], mean, tolerance * (std::abs(mean) + deviation));
    EXPECT_NEAR(statistics.squares()[i], squares, tolerance * squares);
    EXPECT_NEAR(statistics.deviation(i, 0), deviation, tolerance * deviation);
  }
}

void ExpectEqualBits(const RunningStatistics& a, const RunningStatistics& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.mean(), b.mean());
  EXPECT_EQ(a.squares(), b.squares());
}

TEST(RunningStatisticsTest, AreThoseOfTwoPasses) {
  for (const uint64_t count : {1, 2, 3, 1000, 20000}) {
    SCOPED_TRACE(count);
    const RunningStatistics statistics = Counted(0, count);
    EXPECT_EQ(statistics.count(), count);
    ExpectMoments(statistics, 1e-12);
  }
}

TEST(RunningStatisticsTest, AnyGroupingGivesTheSameMoments) {
  for (const uint64_t group : {1, 7, 100, 999, 1000}) {
    SCOPED_TRACE(group);
    RunningStatistics merged(kDimension);
    for (uint64_t first = 0; first < 1000; first += group) {
      merged.Merge(Counted(first, std::min<uint64_t>(first + group, 1000)));
    }
    EXPECT_EQ(merged.count(), 1000u);
    ExpectMoments(merged, 1e-12);
  }
  // A tree instead of a chain.
  RunningStatistics left = Counted(0, 250);
  left.Merge(Counted(250, 400));
  RunningStatistics right = Counted(400, 401);
  right.Merge(Counted(401, 1000));
  left.Merge(right);
  ExpectMoments(left, 1e-12);
}

TEST(RunningStatisticsTest, EqualGroupingGivesEqualBits) {
  const auto merged = [] {
    RunningStatistics statistics = Counted(0, 37);
    statistics.Merge(Counted(37, 500));
    statistics.Merge(Counted(500, 501));
    return statistics;
  };
  ExpectEqualBits(merged(), merged());
}

TEST(RunningStatisticsTest, MergingWithNoneChangesNothing) {
  RunningStatistics statistics = Counted(0, 10);
  statistics.Merge(RunningStatistics(kDimension));
  ExpectEqualBits(statistics, Counted(0, 10));
  RunningStatistics none(kDimension);
  none.Merge(Counted(0, 10));
  ExpectEqualBits(none, Counted(0, 10));
}

TEST(RunningStatisticsTest, DeviationHasAFloor) {
  const RunningStatistics statistics(4, {1, 2}, {16, 0});
  EXPECT_EQ(statistics.deviation(0, 0.5), 2);
  EXPECT_EQ(statistics.deviation(0, 3), 3);
  EXPECT_EQ(statistics.deviation(1, 0.5), 0.5);
}

// ---- As messages --------------------------------------------------------------------

TEST(RunningStatisticsTest, MessageBringsTheSameBitsBack) {
  const RunningStatistics statistics = Counted(0, 123);
  v1::ObservationStatistics arrived;
  ASSERT_TRUE(arrived.ParseFromString(ToProto(statistics).SerializeAsString()));
  const auto restored = FromProto(arrived, kDimension);
  ASSERT_TRUE(restored.ok()) << restored.status();
  ExpectEqualBits(*restored, statistics);
}

TEST(RunningStatisticsTest, MessageThatDoesNotFitIsRefused) {
  const v1::ObservationStatistics good = ToProto(Counted(0, 10));
  const auto refused = [](const v1::ObservationStatistics& statistics, int dimension) {
    const auto status = FromProto(statistics, dimension).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(refused(good, 4), "observation_statistics.mean must have 4 elements, got 3");
  v1::ObservationStatistics bad = good;
  bad.add_squares(0);
  EXPECT_EQ(refused(bad, 3), "observation_statistics.squares must have 3 elements, got 4");
  bad = good;
  bad.set_squares(1, -2);
  EXPECT_EQ(refused(bad, 3), "observation_statistics.squares[1] must be finite and >= 0, got -2");
  bad = good;
  bad.set_mean(2, std::numeric_limits<double>::infinity());
  EXPECT_EQ(refused(bad, 3), "observation_statistics.mean[2] must be finite, got inf");
  bad.set_mean(2, std::nan(""));
  EXPECT_THAT(refused(bad, 3), HasSubstr("mean[2] must be finite, got nan"));
}

// ---- Normalization ------------------------------------------------------------------

TEST(NormalizationTest, HasMeansAndInverseDeviations) {
  // Deviations 2, 0.5 and 0.
  const RunningStatistics statistics(4, {1, -3, 7}, {16, 1, 0});
  const v1::ObservationNormalization normalization = MakeNormalization(statistics, 10, 0.25);
  EXPECT_THAT(normalization.mean(), ElementsAre(1, -3, 7));
  EXPECT_THAT(normalization.scale(), ElementsAre(0.5, 2, 4));
  EXPECT_EQ(normalization.clip(), 10);
}

TEST(NormalizationTest, OfFewerThanTwoObservationsChangesNothing) {
  for (const uint64_t count : {0, 1}) {
    const v1::ObservationNormalization normalization =
        MakeNormalization(Counted(0, count), 5, 1e-4);
    EXPECT_THAT(normalization.mean(), ElementsAre(0, 0, 0));
    EXPECT_THAT(normalization.scale(), ElementsAre(1, 1, 1));
    EXPECT_EQ(normalization.clip(), 5);
  }
}

TEST(NormalizationTest, ScaleStaysFinite) {
  const v1::ObservationNormalization normalization =
      MakeNormalization(RunningStatistics(2, {0}, {0}), 5, 1e-300);
  EXPECT_EQ(normalization.scale(0), std::numeric_limits<float>::max());
}

TEST(NormalizationTest, RowIsShiftedScaledAndClipped) {
  const float observation[] = {3, 1.5f, -100, 100};
  const float mean[] = {1, 2, 0, 0};
  const float scale[] = {0.5f, 4, 1, 1};
  float normalized[4];
  NormalizeRow(observation, mean, scale, /*clip=*/10, 4, normalized);
  EXPECT_THAT(normalized, ElementsAre(1, -2, -10, 10));
}

TEST(NormalizationTest, RowWhoseProductOverflowsIsClipped) {
  constexpr float kMax = std::numeric_limits<float>::max();
  const float observation[] = {kMax, -kMax, 1};
  const float mean[] = {-kMax, kMax, 0};
  const float scale[] = {kMax, kMax, kMax};
  float normalized[3];
  NormalizeRow(observation, mean, scale, /*clip=*/5, 3, normalized);
  EXPECT_THAT(normalized, ElementsAre(5, -5, 5));
}

}  // namespace
}  // namespace sr2l
