// The limiter's rules one by one.
#include "replay/core/limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "replay/core/validate_table.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Verdict = Limiter::Verdict;

const absl::Time kNow = absl::FromUnixSeconds(1000);

// 100 rows per version, 1 per step, rounds of 10 steps.
v1::TableSpec LimitedSpec(uint32_t num_streams) {
  v1::TableSpec spec = MakeSpec("e", 0, num_streams, 10);
  spec.set_capacity(100000);
  v1::TableLimits& limits = *spec.mutable_limits();
  limits.set_minimum_size(50);
  limits.set_samples_per_insert(1);
  limits.set_tolerance(120);
  limits.set_samples_per_version(100);
  limits.set_max_staleness(5);
  return spec;
}

Verdict Insert(Limiter& limiter, uint32_t stream, uint64_t version, uint64_t call = 1) {
  const Verdict verdict = limiter.Admit(stream, 10, version, kNow).verdict;
  if (verdict == Verdict::kAllowed) limiter.Store(stream, 10, /*next_step=*/10, call);
  return verdict;
}

bool Draw(Limiter& limiter, uint64_t first, uint64_t count) {
  const DrawRange draw{.first = first, .count = count};
  if (!*limiter.MayDraw(draw)) return false;
  limiter.CountDraw(draw, kNow);
  return true;
}

TEST(LimiterTest, NothingIsDrawnBeforeTheMinimumSize) {
  Limiter limiter(LimitedSpec(1), 0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Insert(limiter, 0, 0), Verdict::kAllowed);
  EXPECT_FALSE(Draw(limiter, 0, 100));
  EXPECT_EQ(limiter.DescribeDraw({.first = 0, .count = 100}),
            "draws wait: 40 of at least 50 transitions (minimum_size) are inserted; actors must "
            "insert");
  Insert(limiter, 0, 0);
  EXPECT_TRUE(Draw(limiter, 0, 100));
  EXPECT_EQ(limiter.Describe({}, kNow).balance(), -100);
}

TEST(LimiterTest, AStreamThatHasTakenItsLastStepHoldsNobody) {
  v1::TableSpec spec = LimitedSpec(2);
  spec.set_steps_per_stream(100);
  for (const uint64_t last_step : {uint64_t{90}, uint64_t{100}}) {
    Limiter limiter(spec, 0);
    for (int i = 0; i < 5; ++i) Insert(limiter, 0, 0);
    ASSERT_EQ(limiter.Admit(1, 10, /*policy_version=*/0, kNow).verdict, Verdict::kAllowed);
    limiter.Store(1, 10, /*next_step=*/last_step, /*call=*/2);
    limiter.SetPolicyVersion(5);
    for (int i = 0; i < 10; ++i) Insert(limiter, 0, 5);
    // Stream 1's policy is 6 versions older than the next one, and 5 are allowed.
    EXPECT_EQ(Draw(limiter, 0, 100), last_step == 100) << last_step;
  }
}

TEST(LimiterTest, TheBalanceHoldsTheLearnerAndThenTheActors) {
  Limiter limiter(LimitedSpec(1), 0);
  for (int i = 0; i < 5; ++i) Insert(limiter, 0, 0);
  ASSERT_TRUE(Draw(limiter, 0, 100));
  limiter.SetPolicyVersion(1);
  EXPECT_FALSE(Draw(limiter, 100, 100));
  EXPECT_THAT(limiter.DescribeDraw({.first = 100, .count = 100}),
              HasSubstr("balance -100 of at least -20, for 100 draws with tolerance 120; actors "
                        "must insert"));
  int inserted = 0;
  while (Insert(limiter, 0, 1) == Verdict::kAllowed) ++inserted;
  EXPECT_EQ(inserted, 22);  // from -100 to 120
  const auto refused = limiter.Admit(0, 10, 1, kNow);
  EXPECT_EQ(refused.verdict, Verdict::kLimited);
  EXPECT_THAT(refused.message, HasSubstr("the learner must sample"));
  EXPECT_GE(refused.retry_after_seconds, 0.002);
  EXPECT_LE(refused.retry_after_seconds, 1);
  EXPECT_THAT(limiter.Describe({}, kNow).waiting(),
              AllOf(HasSubstr("actors of 1 streams wait"), HasSubstr("(streams 0)")));
  EXPECT_TRUE(Draw(limiter, 100, 100));
  EXPECT_EQ(Insert(limiter, 0, 1), Verdict::kAllowed);
  EXPECT_EQ(limiter.Describe({}, kNow).waiting(), "");
}

TEST(LimiterTest, TheRetryIsTheExcessOverTheLearnersRate) {
  Limiter limiter(LimitedSpec(1), 0);
  for (int i = 0; i < 15; ++i) Insert(limiter, 0, 0);
  // 50 rows each tenth of a second.
  limiter.CountDraw({.first = 0, .count = 50}, kNow);
  limiter.CountDraw({.first = 50, .count = 50}, kNow + absl::Milliseconds(100));
  while (Insert(limiter, 0, 0) == Verdict::kAllowed) {
  }
  const auto refused = limiter.Admit(0, 10, 0, kNow);
  EXPECT_NEAR(refused.retry_after_seconds, 10 / 500.0, 1e-9);
}

TEST(LimiterTest, RowsDrawnBeforeMayBeDrawnAgainAndCountOnce) {
  Limiter limiter(LimitedSpec(1), 0);
  for (int i = 0; i < 5; ++i) Insert(limiter, 0, 0);
  ASSERT_TRUE(Draw(limiter, 0, 100));
  ASSERT_FALSE(Draw(limiter, 100, 100));
  EXPECT_TRUE(Draw(limiter, 0, 100));
  EXPECT_TRUE(Draw(limiter, 30, 20));
  EXPECT_EQ(limiter.Describe({}, kNow).samples(), 100);
  EXPECT_TRUE(Draw(limiter, 90, 30));  // 20 new ones
  EXPECT_EQ(limiter.Describe({}, kNow).balance(), -120);
}

TEST(LimiterTest, TheLearnerWaitsForActiveStreamsThatFallBehind) {
  Limiter limiter(LimitedSpec(2), 0);
  Insert(limiter, 1, 0);
  for (int i = 0; i < 15; ++i) Insert(limiter, 0, 5);
  limiter.SetPolicyVersion(4);
  EXPECT_TRUE(Draw(limiter, 0, 10));
  limiter.SetPolicyVersion(5);
  EXPECT_FALSE(Draw(limiter, 10, 10));
  EXPECT_EQ(limiter.DescribeDraw({.first = 10, .count = 10}),
            "draws wait for stream 1: its last steps are of policy version 0, which is 6 versions "
            "older than the next one, 6, and max_staleness is 5; its actor must insert newer "
            "steps");
  EXPECT_EQ(Insert(limiter, 1, 2), Verdict::kAllowed);
  EXPECT_TRUE(Draw(limiter, 10, 10));
  EXPECT_EQ(limiter.Describe({}, kNow).largest_staleness(), 3);
}

TEST(LimiterTest, AStreamThatIsOpenedOrWhoseCallEndedHoldsNobody) {
  Limiter limiter(LimitedSpec(2), 0);
  for (int i = 0; i < 10; ++i) Insert(limiter, 0, 0, /*call=*/7);
  limiter.SetPolicyVersion(5);
  ASSERT_FALSE(Draw(limiter, 0, 10));
  EXPECT_FALSE(limiter.EndCall(6));
  ASSERT_FALSE(Draw(limiter, 0, 10));
  EXPECT_TRUE(limiter.EndCall(7));
  EXPECT_TRUE(Draw(limiter, 0, 10));
  Insert(limiter, 0, 0, /*call=*/8);
  ASSERT_FALSE(Draw(limiter, 10, 10));
  limiter.Open(0);
  EXPECT_TRUE(Draw(limiter, 10, 10));
}

TEST(LimiterTest, StepsOfTooOldAPolicyAreRefused) {
  Limiter limiter(LimitedSpec(1), 0);
  limiter.SetPolicyVersion(8);
  EXPECT_EQ(Insert(limiter, 0, 3), Verdict::kAllowed);
  const auto refused = limiter.Admit(0, 10, 2, kNow);
  EXPECT_EQ(refused.verdict, Verdict::kStalePolicy);
  EXPECT_THAT(refused.message, HasSubstr("chunk.policy_version must be at least 3, got 2"));
  EXPECT_EQ(Insert(limiter, 0, 100), Verdict::kAllowed);
}

TEST(LimiterTest, AChunkThatTheBalanceRefusesWhileTheLearnerWaitsForItsStreamIsStale) {
  Limiter limiter(LimitedSpec(2), 0);
  Insert(limiter, 1, 0);
  while (Insert(limiter, 0, 5) == Verdict::kAllowed) {
  }
  limiter.SetPolicyVersion(5);
  ASSERT_FALSE(Draw(limiter, 0, 10));
  EXPECT_EQ(Insert(limiter, 0, 5), Verdict::kLimited);
  EXPECT_EQ(Insert(limiter, 1, 5), Verdict::kStalePolicy);
  EXPECT_TRUE(Draw(limiter, 0, 10));
}

TEST(LimiterTest, AdmittedStepsCountForOthersUntilTheyAreWithdrawn) {
  Limiter limiter(LimitedSpec(2), 0);
  for (int i = 0; i < 16; ++i) Insert(limiter, 0, 0);  // balance 110
  ASSERT_EQ(limiter.Admit(0, 10, 0, kNow).verdict, Verdict::kAllowed);
  EXPECT_EQ(limiter.Admit(1, 10, 0, kNow).verdict, Verdict::kLimited);
  limiter.Withdraw(0, 10);
  EXPECT_EQ(limiter.Admit(1, 10, 0, kNow).verdict, Verdict::kAllowed);
}

TEST(LimiterTest, MoreRowsThanTheToleranceCanEverAllowAreRefused) {
  const Limiter limiter(LimitedSpec(1), 0);
  EXPECT_TRUE(limiter.MayDraw({.first = 0, .count = 230}).ok());
  const auto refused = limiter.MayDraw({.first = 0, .count = 231});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()),
              AllOf(HasSubstr("num_draws must be at most 230"), HasSubstr("got 231")));
}

TEST(LimiterTest, ARunThatAnotherProcessBeganGoesOnWithinTheTolerance) {
  Limiter limiter(LimitedSpec(1), /*inserts=*/5050);
  EXPECT_EQ(Insert(limiter, 0, 0), Verdict::kLimited);
  EXPECT_TRUE(Draw(limiter, 4950, 100));  // balance 50, then -50
  EXPECT_EQ(limiter.Describe({}, kNow).balance(), -50);
  EXPECT_EQ(limiter.Describe({}, kNow).samples(), 5050);
  EXPECT_EQ(Insert(limiter, 0, 0), Verdict::kAllowed);
}

TEST(LimiterTest, NewLimitsHoldForIncrementsFromThenOn) {
  Limiter limiter(LimitedSpec(1), 0);
  for (int i = 0; i < 5; ++i) Insert(limiter, 0, 0);
  ASSERT_TRUE(Draw(limiter, 0, 100));
  v1::TableLimits limits = LimitedSpec(1).limits();
  limits.set_samples_per_insert(4);
  limits.set_tolerance(200);
  limiter.SetLimits(limits);
  EXPECT_EQ(limiter.Describe({}, kNow).balance(), -100);
  Insert(limiter, 0, 0);
  EXPECT_EQ(limiter.Describe({}, kNow).balance(), -60);
  EXPECT_TRUE(Draw(limiter, 100, 100));
}

TEST(LimiterTest, BeforeTheFirstDrawNewLimitsHoldFromTheFirstStepOn) {
  Limiter limiter(LimitedSpec(1), 0);
  for (int i = 0; i < 5; ++i) Insert(limiter, 0, 0);
  v1::TableLimits limits = LimitedSpec(1).limits();
  limits.set_minimum_size(1000);
  limiter.SetLimits(limits);
  EXPECT_FALSE(Draw(limiter, 0, 100));
  for (int i = 0; i < 95; ++i) ASSERT_EQ(Insert(limiter, 0, 0), Verdict::kAllowed);
  EXPECT_TRUE(Draw(limiter, 0, 100));
}

TEST(LimiterTest, LimitsWithWhichBothSidesCouldWaitAreRefusedWithTheLeastAllowed) {
  v1::TableSpec spec = LimitedSpec(1);
  const auto refusal = [&spec](void (*spoil)(v1::TableLimits&)) {
    v1::TableLimits limits = spec.limits();
    spoil(limits);
    const absl::Status status = ValidateLimits("limits", limits, spec);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(ValidateLimits("limits", spec.limits(), spec), absl::OkStatus());
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_tolerance(54); }),
              AllOf(HasSubstr("limits.tolerance must be at least 55"), HasSubstr("got 54")));
  EXPECT_THAT(refusal([](v1::TableLimits& l) {
                l.set_samples_per_insert(50);
                l.set_tolerance(499);
              }),
              HasSubstr("limits.tolerance must be at least 500"));
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_max_staleness(4); }),
              AllOf(HasSubstr("limits.max_staleness must be at least 5"), HasSubstr("got 4")));
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_minimum_size(0); }),
              HasSubstr("limits.minimum_size must be in [1, 100000], the capacity, got 0"));
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_minimum_size(100001); }),
              HasSubstr("got 100001"));
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_samples_per_insert(0); }),
              HasSubstr("limits.samples_per_insert must be in (0, 1e+06], got 0"));
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_samples_per_insert(NAN); }),
              HasSubstr("got nan"));
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_tolerance(INFINITY); }), HasSubstr("got inf"));
  EXPECT_THAT(refusal([](v1::TableLimits& l) { l.set_samples_per_version(0); }),
              HasSubstr("limits.samples_per_version must be at least 1, got 0"));
}

}  // namespace
}  // namespace sr2l
