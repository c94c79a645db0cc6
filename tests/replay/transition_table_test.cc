// The transitions of a table against a plain list of all that was ever stored.
#include "replay/core/transition_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "replay/core/sampler.h"
#include "tests/replay/random_streams.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

v1::TableSpec SpecOf(uint32_t streams, uint64_t capacity) {
  v1::TableSpec spec = MakeSpec("e", 3, streams, 50);
  spec.set_capacity(capacity);
  return spec;
}

// A table and everything that it was ever given.
struct Subject {
  Subject(const v1::TableSpec& table_spec, size_t steps_per_stream, double mean_length)
      : spec(table_spec),
        table({.spec = spec,
               .released_end = TransitionRing::kNewestOnly,
               .streams = std::vector<StreamState>(spec.num_streams())},
              total_bytes) {
    for (uint32_t i = 0; i < spec.num_streams(); ++i) {
      steps.push_back(MakeSteps(spec, /*seed=*/5, i, steps_per_stream, mean_length));
    }
    next_step.resize(spec.num_streams());
  }

  void Insert(uint32_t stream, uint64_t end, uint64_t cut_seed) {
    for (const v1::Chunk& chunk :
         CutChunks(spec, stream, steps[stream], next_step[stream], end, cut_seed)) {
      table.Insert(stream, chunk);
    }
    next_step[stream] = end;
  }

  v1::SampledRows All(const TableContents& contents) const {
    std::vector<uint64_t> positions(contents.size);
    std::iota(positions.begin(), positions.end(), 0);
    v1::SampledRows rows;
    table.Gather(contents, positions, rows);
    return rows;
  }

  // Every row of the contents against the list. `ends`: by stream.
  void ExpectContents(const TableContents& contents, const std::vector<uint64_t>& ends) const {
    const v1::SampledRows rows = All(contents);
    size_t row = 0;
    for (uint32_t i = 0; i < spec.num_streams(); ++i) {
      const uint64_t capacity = TransitionTable::StreamCapacity(spec);
      const uint64_t begin = ends[i] > capacity ? ends[i] - capacity : 0;
      for (uint64_t t = begin; t < ends[i]; ++t, ++row) {
        ASSERT_TRUE(SameRow(RowOf(spec, rows, row), steps[i][t]))
            << "stream " << i << " step " << t;
      }
    }
    EXPECT_EQ(row, contents.size);
  }

  const v1::TableSpec spec;
  const std::shared_ptr<std::atomic<uint64_t>> total_bytes =
      std::make_shared<std::atomic<uint64_t>>(0);
  TransitionTable table;
  std::vector<std::vector<PlainTransition>> steps;
  std::vector<uint64_t> next_step;
};

TEST(TransitionTableTest, EveryTransitionEqualsTheListBeforeAndAfterTheRingWraps) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Subject subject(SpecOf(3, 200 + 500 * seed), 4000, /*mean_length=*/2 + 10.0 * seed);
    const Philox random(seed, Purpose::kJitter);
    for (uint64_t turn = 0; turn < 40; ++turn) {
      const auto stream = static_cast<uint32_t>(3 * random.Uniform(turn, 0));
      const uint64_t end =
          subject.next_step[stream] + static_cast<uint64_t>(400 * random.Uniform(turn, 1));
      subject.Insert(stream, std::min<uint64_t>(end, 3999), seed);
      subject.ExpectContents(subject.table.Now(), subject.next_step);
    }
    EXPECT_EQ(*subject.total_bytes, subject.table.bytes());
  }
}

TEST(TransitionTableTest, ContentsUpToAStepAreThoseThatTheStepEnded) {
  Subject subject(SpecOf(2, 1000), 2000, 17);
  for (uint64_t end = 50; end <= 1500; end += 50) {
    subject.Insert(0, end, 1);
    subject.Insert(1, end, 2);
    const auto contents = subject.table.UpTo(end);
    ASSERT_TRUE(contents.ok()) << contents.status();
    subject.ExpectContents(*contents, {end, end});
    if (end < 100) continue;
    const auto before = subject.table.UpTo(end - 50);
    if (before.ok()) subject.ExpectContents(*before, {end - 50, end - 50});
  }
  const auto gone = subject.table.UpTo(500);
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(gone.status().message()),
              HasSubstr("member 3 stream 0: steps 0 to 500 are wanted, but those before "));
}

TEST(TransitionTableTest, ContentsStayAsTheyWereWhileTheTableGoesOn) {
  Subject subject(SpecOf(2, 600), 5000, 9);
  subject.Insert(0, 731, 1);
  subject.Insert(1, 333, 1);
  const TableContents contents = subject.table.Now();
  subject.Insert(0, 4000, 1);
  subject.Insert(1, 3999, 1);
  subject.ExpectContents(contents, {731, 333});
}

TEST(TransitionTableTest, ARingThatGoesOnInTheMiddleHoldsOnlyWhatCame) {
  const v1::TableSpec spec = SpecOf(1, 100);
  const auto bytes = std::make_shared<std::atomic<uint64_t>>(0);
  TransitionTable table({.spec = spec, .streams = {{.epoch = 1, .next_step = 1234}}}, bytes);
  EXPECT_EQ(table.Now().size, 0);
  const auto steps = MakeSteps(spec, 5, 0, 1400, 20);
  for (const v1::Chunk& chunk : CutChunks(spec, 0, steps, 1234, 1290, 3)) table.Insert(0, chunk);
  const TableContents contents = table.Now();
  ASSERT_EQ(contents.size, 56);
  v1::SampledRows rows;
  table.Gather(contents, std::vector<uint64_t>{0, 55}, rows);
  EXPECT_TRUE(SameRow(RowOf(spec, rows, 0), steps[1234]));
  EXPECT_TRUE(SameRow(RowOf(spec, rows, 1), steps[1289]));
}

v1::SampleSummary Summarize(const Subject& subject, const std::vector<uint64_t>& since) {
  v1::SampleSummary summary;
  EXPECT_EQ(subject.table.Summarize(subject.table.Now(), since, summary), absl::OkStatus());
  return summary;
}

TEST(TransitionTableTest, TheSummaryHasTheEpisodesAndObservationsOfTheStepsAskedFor) {
  Subject subject(SpecOf(2, 3000), 3000, 12);
  subject.Insert(0, 2500, 1);
  subject.Insert(1, 700, 1);
  const std::vector<uint64_t> since = {400, 33};  // the first is not held any more
  const v1::SampleSummary summary = Summarize(subject, since);
  int episode = 0;
  std::vector<long double> sums(3), squares(3);
  uint64_t count = 0;
  const auto each = [&](const auto& visit) {
    for (uint32_t i = 0; i < 2; ++i) {
      const uint64_t end = subject.next_step[i];
      const uint64_t held = end > 1500 ? end - 1500 : 0;
      for (uint64_t t = std::max(since[i], held); t < end; ++t) visit(subject.steps[i][t]);
    }
  };
  each([&](const PlainTransition& step) {
    ++count;
    for (size_t k = 0; k < 3; ++k) sums[k] += step.observation[k];
    if (step.flags == 0) return;
    ASSERT_LT(episode, summary.episodes_size());
    EXPECT_EQ(summary.episodes(episode).SerializeAsString(), step.episode.SerializeAsString());
    ++episode;
  });
  EXPECT_EQ(episode, summary.episodes_size());
  each([&](const PlainTransition& step) {
    for (size_t k = 0; k < 3; ++k) {
      const long double delta = step.observation[k] - sums[k] / count;
      squares[k] += delta * delta;
    }
  });
  EXPECT_EQ(summary.observations().count(), count);
  for (int k = 0; k < 3; ++k) {
    // Rounding of some thousand additions.
    EXPECT_NEAR(summary.observations().mean(k), static_cast<double>(sums[k] / count), 1e-12);
    EXPECT_NEAR(summary.observations().squares(k) / static_cast<double>(squares[k]), 1, 1e-12);
  }
  EXPECT_THAT(summary.end_step(), ::testing::ElementsAre(2500, 700));
}

TEST(TransitionTableTest, RowsAndSummariesDoNotDependOnHowStepsCameInChunks) {
  std::vector<std::string> rows;
  std::vector<std::string> summaries;
  for (uint64_t cut = 0; cut < 4; ++cut) {
    Subject subject(SpecOf(3, 1200), 2000, 15);
    for (uint32_t stream = 0; stream < 3; ++stream) subject.Insert(stream, 1900, cut);
    rows.push_back(subject.All(subject.table.Now()).SerializeAsString());
    summaries.push_back(Summarize(subject, {1600, 1650, 10}).SerializeAsString());
  }
  for (size_t cut = 1; cut < 4; ++cut) {
    EXPECT_EQ(rows[cut], rows[0]);
    EXPECT_EQ(summaries[cut], summaries[0]);
  }
}

TEST(TransitionTableTest, MemoryIsAtMostATenthAboveThePayload) {
  // HalfCheetah's sizes, then the smallest of the paper's tasks.
  for (const auto& [observation_dim, action_dim] : {std::pair{17, 6}, std::pair{8, 2}}) {
    for (const uint64_t capacity : {uint64_t{5000}, uint64_t{20000}, uint64_t{1000000}}) {
      v1::TableSpec spec = SpecOf(1, capacity);
      spec.set_observation_dim(observation_dim);
      spec.set_action_dim(action_dim);
      Subject subject(spec, 30000, 200);
      for (uint64_t end = 2000; end <= 29000; end += 450) {
        subject.Insert(0, end, 1);
        const double payload = static_cast<double>(subject.table.payload_bytes());
        ASSERT_GE(payload, 2000.0 * (4 * (observation_dim + action_dim + 1) + 1));
        ASSERT_LE(static_cast<double>(subject.table.bytes()), 1.1 * payload)
            << observation_dim << " " << capacity << " at " << end;
      }
      EXPECT_EQ(subject.table.transitions(), std::min<uint64_t>(capacity, 28999 / 450 * 450 + 200));
    }
  }
}

TEST(SamplerTest, DrawsAreUniformAfterTheRingWrapped) {
  Subject subject(SpecOf(4, 400), 1000, 20);
  for (uint32_t stream = 0; stream < 4; ++stream) subject.Insert(stream, 777 + stream, 1);
  const TableContents contents = subject.table.Now();
  ASSERT_EQ(contents.size, 400);
  constexpr size_t kDraws = 400000;
  std::vector<double> counts(contents.size);
  for (const uint64_t position : DrawPositions(11, 0, kDraws, contents.size)) {
    ASSERT_LT(position, contents.size);
    ++counts[position];
  }
  const double expected = static_cast<double>(kDraws) / static_cast<double>(contents.size);
  double chi_square = 0;
  for (const double count : counts)
    chi_square += (count - expected) * (count - expected) / expected;
  // Wilson and Hilferty's approximation of the quantiles 1e-4 and 1 - 1e-4.
  const double degrees = static_cast<double>(contents.size) - 1;
  const auto quantile = [degrees](double normal) {
    return degrees * std::pow(1 - 2 / (9 * degrees) + normal * std::sqrt(2 / (9 * degrees)), 3);
  };
  EXPECT_LT(chi_square, quantile(3.719));
  EXPECT_GT(chi_square, quantile(-3.719));
}

TEST(SamplerTest, ADrawIsAFunctionOfItsIndexAndTheSeed) {
  const auto all = DrawPositions(7, 1000, 50, 12345);
  const auto later = DrawPositions(7, 1020, 10, 12345);
  EXPECT_TRUE(std::equal(later.begin(), later.end(), all.begin() + 20));
  EXPECT_NE(DrawPositions(8, 1000, 50, 12345), all);
  for (const uint64_t position : DrawPositions(7, 0, 1000, 1)) EXPECT_EQ(position, 0);
}

}  // namespace
}  // namespace sr2l
