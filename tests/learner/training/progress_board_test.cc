#include "learner/training/progress_board.h"

#include <gtest/gtest.h>

namespace sr2l {
namespace {

v1::ExperimentConfig TwoMembers() {
  v1::ExperimentConfig config;
  config.set_rounds(10);
  config.set_steps_per_round(100);
  config.mutable_members()->add_member()->set_seed(4);
  config.mutable_members()->add_member()->set_seed(5);
  return config;
}

v1::MemberProgress Steps(uint32_t member, uint64_t steps) {
  v1::MemberProgress progress;
  progress.set_member(member);
  progress.set_env_steps(steps);
  return progress;
}

TEST(ProgressBoardTest, AddsUpOverMembersAndNamesTheGoal) {
  const absl::Time start = absl::FromUnixSeconds(1000);
  ProgressBoard board(TwoMembers(), 1, start);
  board.Record(Steps(0, 300), start + absl::Seconds(1));
  board.Record(Steps(1, 200), start + absl::Seconds(2));
  const v1::Progress progress = board.Snapshot(start + absl::Seconds(4));
  EXPECT_EQ(progress.env_steps(), 500u);
  EXPECT_EQ(progress.env_steps_total(), 2000u);
  EXPECT_DOUBLE_EQ(progress.elapsed_seconds(), 4);
  EXPECT_DOUBLE_EQ(progress.steps_per_second(), 125);
}

TEST(ProgressBoardTest, TheRateIsThatOfTheLastSeconds) {
  const absl::Time start = absl::FromUnixSeconds(1000);
  ProgressBoard board(TwoMembers(), 1, start);
  board.Record(Steps(0, 100), start + absl::Seconds(100));
  for (int i = 1; i <= 20; ++i) {
    board.Record(Steps(0, 100 + 50 * i), start + absl::Seconds(100 + i));
  }
  EXPECT_NEAR(board.Snapshot(start + absl::Seconds(120)).steps_per_second(), 50, 1e-9);
}

// 300 steps in 6 s, whatever was there before.
TEST(ProgressBoardTest, RestoredStepsAreThereAndMakeNoSpeed) {
  const absl::Time start = absl::FromUnixSeconds(1000);
  ProgressBoard board(TwoMembers(), 1, start);
  board.RecordEvaluation(1, /*round=*/3, /*return_mean=*/12.5);
  board.Restore(Steps(0, 1'000'000));
  board.Restore(Steps(1, 2'000'000));
  EXPECT_EQ(board.Snapshot(start + absl::Seconds(2)).env_steps(), 3'000'000u);
  EXPECT_EQ(board.Snapshot(start + absl::Seconds(2)).steps_per_second(), 0);
  board.Record(Steps(0, 1'000'200), start + absl::Seconds(3));
  board.Record(Steps(1, 2'000'100), start + absl::Seconds(4));
  const v1::Progress progress = board.Snapshot(start + absl::Seconds(6));
  EXPECT_EQ(progress.env_steps(), 3'000'300u);
  EXPECT_DOUBLE_EQ(progress.steps_per_second(), 50);
  EXPECT_EQ(progress.members(1).evaluation_return(), 12.5);
}

TEST(ProgressBoardTest, EveryChangeIsCountedAndWaitsAreJoined) {
  const absl::Time start = absl::FromUnixSeconds(1000);
  ProgressBoard board(TwoMembers(), 2, start);
  const uint64_t before = board.changes();
  board.SetWaiting(0, "an actor");
  board.SetWaiting(0, "an actor");
  board.SetWaiting(1, "the replay");
  EXPECT_EQ(board.changes(), before + 2);
  EXPECT_EQ(board.Snapshot(start).waiting_for(), "an actor; the replay");
  board.SetWaiting(0, "");
  board.SetWaiting(1, "");
  EXPECT_FALSE(board.Snapshot(start).has_waiting_for());
}

TEST(ProgressBoardTest, AnEvaluationStaysWhenLaterRoundsAreRecorded) {
  const absl::Time start = absl::FromUnixSeconds(1000);
  ProgressBoard board(TwoMembers(), 1, start);
  const uint64_t before = board.changes();
  board.RecordEvaluation(1, /*round=*/3, /*return_mean=*/12.5);
  EXPECT_EQ(board.changes(), before + 1);
  board.Record(Steps(1, 500), start);
  const v1::MemberProgress member = board.Snapshot(start).members(1);
  EXPECT_EQ(member.env_steps(), 500u);
  EXPECT_EQ(member.evaluation_round(), 3u);
  EXPECT_EQ(member.evaluation_return(), 12.5);
  EXPECT_FALSE(board.Snapshot(start).members(0).has_evaluation_return());
}

}  // namespace
}  // namespace sr2l
