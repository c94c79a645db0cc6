#include "learner/tensorboard/tensorboard_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/learner/tensorboard/event_reader.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

const absl::Time kStart = absl::FromUnixSeconds(5000);

class TensorBoardLogTest : public ::testing::Test {
 protected:
  ~TensorBoardLogTest() override { fs::remove_all(folder_); }

  static v1::MemberProgress Round(uint32_t member, uint64_t round, double return_mean) {
    v1::MemberProgress progress;
    progress.set_member(member);
    progress.set_rounds(round);
    progress.set_env_steps(100 * round);
    progress.set_updates(round);
    progress.set_episodes(3);
    progress.set_return_mean(return_mean);
    return progress;
  }

  // Rounds first, ..., last of member 0, one a second.
  static void AppendRounds(TensorBoardLog& log, uint64_t first, uint64_t last, double return_mean) {
    for (uint64_t round = first; round <= last; ++round) {
      const auto seconds = static_cast<int64_t>(round);
      ASSERT_TRUE(log.Append(Round(0, round, return_mean), static_cast<double>(seconds),
                             kStart + absl::Seconds(seconds))
                      .ok());
    }
  }

  std::vector<fs::path> Files(const std::string& run) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ + "/" + run)) {
      files.push_back(entry.path());
    }
    return files;
  }

  // Of the only file of the run.
  std::vector<ReadEvent> Events(const std::string& run) const {
    const std::vector<fs::path> files = Files(run);
    EXPECT_EQ(files.size(), 1U);
    std::ifstream file(files.at(0), std::ios::binary);
    return ReadEventFile(std::string((std::istreambuf_iterator<char>(file)), {}));
  }

  // Step and return of every round in the run.
  std::vector<std::pair<int64_t, float>> Returns(const std::string& run) const {
    std::vector<std::pair<int64_t, float>> returns;
    for (const ReadEvent& event : Events(run)) {
      const auto found = event.scalars.find("rollout/ep_rew_mean");
      if (found != event.scalars.end()) returns.emplace_back(event.step, found->second);
    }
    return returns;
  }

  std::string folder_ = [] {
    std::string pattern = ::testing::TempDir() + "/tensorboard-XXXXXX";
    return std::string(mkdtemp(pattern.data()));
  }();
};

TEST_F(TensorBoardLogTest, AFileBeginsWithItsVersionAndAStartAndIsNamedAsTensorBoardExpects) {
  TensorBoardLog log(folder_, kStart);
  AppendRounds(log, 1, 1, 0.5);
  const std::vector<ReadEvent> events = Events("member_000");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_EQ(events[0].wall_time, 5000);
  EXPECT_EQ(events[1].session_status, 1);
  EXPECT_EQ(events[1].step, 0);
  EXPECT_THAT(Files("member_000")[0].filename().string(), StartsWith("events.out.tfevents.5000."));
}

TEST_F(TensorBoardLogTest, ARoundIsAnEventAtItsStepsAndTimeWithWhatIsSetOnly) {
  v1::MemberProgress progress = Round(2, 4, -1.5);
  progress.set_length_mean(250);
  progress.set_kl(0.25);
  progress.set_backtracks(-1);
  progress.set_actor_objective(8);
  TensorBoardLog log(folder_, kStart);
  ASSERT_TRUE(log.Append(progress, /*wall_seconds=*/8, kStart + absl::Milliseconds(500)).ok());
  const ReadEvent event = Events("member_002").at(2);
  EXPECT_EQ(event.step, 400);
  EXPECT_EQ(event.wall_time, 5000.5);
  EXPECT_THAT(
      event.scalars,
      UnorderedElementsAre(Pair("rollout/ep_rew_mean", -1.5), Pair("rollout/ep_len_mean", 250),
                           Pair("time/fps", 50), Pair("time/iterations", 4),
                           Pair("time/time_elapsed", 8), Pair("time/total_timesteps", 400),
                           Pair("train/n_updates", 4), Pair("train/kl_divergence_loss", 0.25),
                           Pair("train/actor_loss", -8), Pair("train/is_line_search_success", 0),
                           Pair("sr2l/backtracks", -1), Pair("sr2l/episodes", 3)));
}

TEST_F(TensorBoardLogTest, AResumedRunHasEveryStepOnceAndTheNewValuesAfterTheOldOnes) {
  TensorBoardLog before(folder_, kStart);
  AppendRounds(before, 1, 5, /*return_mean=*/1);
  TensorBoardLog after(folder_, kStart + absl::Minutes(1));
  ASSERT_TRUE(after.Resume({{0, 300}}).ok());
  AppendRounds(after, 4, 6, /*return_mean=*/2);
  EXPECT_THAT(Returns("member_000"), ElementsAre(Pair(100, 1), Pair(200, 1), Pair(300, 1),
                                                 Pair(400, 2), Pair(500, 2), Pair(600, 2)));
}

TEST_F(TensorBoardLogTest, WhatIsKeptKeepsItsTimeAndTheRateCountsFromTheResume) {
  TensorBoardLog before(folder_, kStart);
  AppendRounds(before, 1, 2, 1);
  TensorBoardLog after(folder_, kStart + absl::Minutes(1));
  ASSERT_TRUE(after.Resume({{0, 200}}).ok());
  ASSERT_TRUE(after.Append(Round(0, 3, 1), /*wall_seconds=*/4, kStart + absl::Minutes(2)).ok());
  const std::vector<ReadEvent> events = Events("member_000");
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[2].wall_time, 5001);
  EXPECT_EQ(events[4].scalars.at("time/fps"), 25);
}

TEST_F(TensorBoardLogTest, ARecordThatAKillCutShortIsLeftOutOfTheResumedRun) {
  TensorBoardLog before(folder_, kStart);
  AppendRounds(before, 1, 3, 1);
  const fs::path file = Files("member_000").at(0);
  fs::resize_file(file, fs::file_size(file) - 5);
  TensorBoardLog after(folder_, kStart + absl::Minutes(1));
  ASSERT_TRUE(after.Resume({{0, 300}}).ok());
  EXPECT_THAT(Returns("member_000"), ElementsAre(Pair(100, 1), Pair(200, 1)));
}

TEST_F(TensorBoardLogTest, AResumeThatWasItselfKilledBeforeItRemovedTheOldFileDoublesNothing) {
  TensorBoardLog before(folder_, kStart);
  AppendRounds(before, 1, 3, 1);
  const fs::path old = Files("member_000").at(0);
  fs::copy_file(old, folder_ + "/copy");
  TensorBoardLog killed(folder_, kStart + absl::Minutes(1));
  ASSERT_TRUE(killed.Resume({{0, 200}}).ok());
  fs::rename(folder_ + "/copy", old);
  TensorBoardLog after(folder_, kStart + absl::Minutes(2));
  ASSERT_TRUE(after.Resume({{0, 200}}).ok());
  EXPECT_THAT(Returns("member_000"), ElementsAre(Pair(100, 1), Pair(200, 1)));
}

TEST_F(TensorBoardLogTest, AMemberThatLearnedNothingYetStartsAgainWithAnEmptyFile) {
  TensorBoardLog before(folder_, kStart);
  AppendRounds(before, 1, 3, 1);
  TensorBoardLog after(folder_, kStart + absl::Minutes(1));
  ASSERT_TRUE(after.Resume({{0, 0}, {1, 0}}).ok());
  EXPECT_THAT(Returns("member_000"), ElementsAre());
  EXPECT_EQ(Events("member_001").size(), 2U);
}

TEST_F(TensorBoardLogTest, AnEvaluationIsAnEventAtTheStepsOfItsPolicy) {
  TensorBoardLog log(folder_, kStart);
  AppendRounds(log, 1, 3, 1);
  ASSERT_TRUE(
      log.AppendEvaluation({.member = 0, .env_steps = 200, .return_mean = 7.5, .length_mean = 40},
                           kStart + absl::Seconds(9))
          .ok());
  const ReadEvent event = Events("member_000").at(5);
  EXPECT_EQ(event.step, 200);
  EXPECT_EQ(event.wall_time, 5009);
  EXPECT_THAT(event.scalars,
              UnorderedElementsAre(Pair("eval/mean_reward", 7.5), Pair("eval/mean_ep_length", 40)));
}

TEST_F(TensorBoardLogTest, AResumedRunHasItsRecordedEvaluationsOnceBesideTheRounds) {
  TensorBoardLog before(folder_, kStart);
  AppendRounds(before, 1, 4, 1);
  for (const uint64_t step : {200, 300, 300}) {
    ASSERT_TRUE(before.AppendEvaluation({.env_steps = step, .return_mean = 7}, kStart).ok());
  }
  TensorBoardLog after(folder_, kStart + absl::Minutes(1));
  ASSERT_TRUE(after.Resume({{0, 300}}, {{0, {300}}}).ok());
  EXPECT_THAT(Returns("member_000"), ElementsAre(Pair(100, 1), Pair(200, 1), Pair(300, 1)));
  std::vector<int64_t> evaluated;
  for (const ReadEvent& event : Events("member_000")) {
    if (event.scalars.contains("eval/mean_reward")) evaluated.push_back(event.step);
  }
  EXPECT_THAT(evaluated, ElementsAre(300));
}

TEST_F(TensorBoardLogTest, AFolderThatCannotBeMadeIsNamed) {
  TensorBoardLog log("/proc/no/such", kStart);
  const absl::Status status = log.Append(Round(0, 1, 1), 1, kStart);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/proc/no/such/member_000"));
}

}  // namespace
}  // namespace sr2l
