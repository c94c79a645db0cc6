// Whatever ends in the middle of a synchronous run, it goes on to the same bits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/deploy/process_table.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/recovery_runs.h"
#include "tests/integration/service.h"
#include "tests/learner/tensorboard/event_reader.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kTrainingTimeout = absl::Minutes(10);
constexpr int kRounds = 30;
constexpr int kRows = 2 * kRounds;

// The rounds in the only event file of a TensorBoard run, each step after the one before.
int NumEvents(const std::string& run) {
  int rounds = 0;
  int64_t last_step = 0;
  for (const auto& file : std::filesystem::directory_iterator(run)) {
    for (const ReadEvent& event : ReadEventFile(ReadFile(file.path()))) {
      if (event.scalars.empty()) continue;
      EXPECT_GT(event.step, last_step);
      last_step = event.step;
      ++rounds;
    }
  }
  return rounds;
}

class ResumeTest : public ::testing::TestWithParam<RecoveryCase> {
 protected:
  ResumeTest() { WriteRecoveryExperiment(GetParam(), kRounds, file_); }

  bool CurveReaches(int rows) const {
    return Eventually([&] { return NumCurveRows(run_ + "/curve.csv") >= rows; });
  }

  void ExpectResumesTo(const std::string& digest) const {
    const ProgramResult resumed = RunProgram(ResumeCommand(run_), kTrainingTimeout);
    EXPECT_EQ(resumed.exit_code, 0) << resumed.output << resumed.errors;
    EXPECT_EQ(DigestOf(run_), digest);
    EXPECT_EQ(NumCurveRows(run_ + "/curve.csv"), kRows);
    ExpectWholeLog(run_, kRounds);
    EXPECT_EQ(NumEvents(run_ + "/tensorboard/member_000"), kRounds);
    EXPECT_EQ(NumEvents(run_ + "/tensorboard/member_001"), kRounds);
  }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "experiment.textproto";
  const std::string run_ = folder_ / "run";
};

TEST_P(ResumeTest, ARunThatWasKilledGoesOn) {
  const std::string digest = UndisturbedDigest(file_, folder_ / "undisturbed");
  RunningProgram train(TrainCommand(file_, run_));
  ASSERT_TRUE(CurveReaches(kRows / 4)) << train.output() << train.errors();
  ASSERT_EQ(kill(train.pid(), SIGKILL), 0);
  train.Wait(kTrainingTimeout);
  EXPECT_LT(NumCurveRows(run_ + "/curve.csv"), kRows);
  ExpectResumesTo(digest);
}

TEST_P(ResumeTest, ARunThatWasKilledBeforeItBeganDoesSo) {
  const std::string digest = UndisturbedDigest(file_, folder_ / "undisturbed");
  {
    RunningProgram train(TrainCommand(file_, run_));
    ASSERT_TRUE(
        Eventually([&] { return std::filesystem::exists(run_ + "/experiment.textproto"); }));
    ASSERT_EQ(kill(train.pid(), SIGKILL), 0);
    train.Wait(kTrainingTimeout);
  }
  ExpectResumesTo(digest);
}

TEST_P(ResumeTest, AnInterruptedRunSaysHowToGoOnAndDoes) {
  const std::string digest = UndisturbedDigest(file_, folder_ / "undisturbed");
  RunningProgram train(TrainCommand(file_, run_));
  ASSERT_TRUE(CurveReaches(kRows / 4)) << train.output() << train.errors();
  ASSERT_EQ(kill(train.pid(), SIGINT), 0);
  const ProgramResult interrupted = train.Wait(kTrainingTimeout);
  EXPECT_EQ(interrupted.exit_code, 1);
  EXPECT_THAT(interrupted.errors, HasSubstr("sr2l resume " + run_));
  ExpectResumesTo(digest);
}

TEST_P(ResumeTest, TrainGoesOnWhenLearnerAndReplayAreKilled) {
  const std::string digest = UndisturbedDigest(file_, folder_ / "undisturbed");
  RunningProgram train(TrainCommand(file_, run_));
  int rows = kRows / 6;
  for (const char* program : {"sr2l-learner", "sr2l-replay", "sr2l-learner"}) {
    ASSERT_TRUE(CurveReaches(rows)) << train.output() << train.errors();
    const std::vector<pid_t> processes = ChildrenWith(train.pid(), program);
    ASSERT_EQ(processes.size(), 1) << program;
    ASSERT_EQ(kill(processes.front(), SIGKILL), 0);
    rows += kRows / 6;
  }
  const ProgramResult result = train.Wait(kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, HasSubstr("learner was killed by signal 9 (Killed); starting"));
  EXPECT_THAT(result.output, HasSubstr("replay was killed by signal 9 (Killed); starting"));
  EXPECT_THAT(ReadFile(run_ + "/logs/learner.log"), HasSubstr("from checkpoints of 2 member(s)"));
  EXPECT_EQ(DigestOf(run_), digest);
  EXPECT_EQ(NumCurveRows(run_ + "/curve.csv"), kRows);
  ExpectWholeLog(run_, kRounds);
}

// Its baseline is of another type than all else that is learned.
INSTANTIATE_TEST_SUITE_P(LinearBaseline, ResumeTest,
                         ::testing::Values(RecoveryCase{
                             "Trpo", "trpo { hidden: [16] linear_baseline {} }"}),
                         [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(Algorithms, ResumeTest, ::testing::ValuesIn(kRecoveryCases),
                         [](const auto& info) { return info.param.name; });

// A run that was interrupted, so with a checkpoint, and whose folder is then tampered with.
class TamperedRunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteRecoveryExperiment(kRecoveryCases[0], kRounds, folder_ / "experiment.textproto");
    RunningProgram train(TrainCommand(folder_ / "experiment.textproto", run_));
    ASSERT_TRUE(Eventually([&] { return NumCurveRows(run_ + "/curve.csv") >= kRows / 4; }))
        << train.output() << train.errors();
    train.Signal(SIGINT);
    train.Wait(kTrainingTimeout);
  }

  void ExpectRefused(const std::string& why) const {
    const ProgramResult refused = RunProgram(ResumeCommand(run_), kTrainingTimeout);
    EXPECT_EQ(refused.exit_code, 1) << refused.output;
    EXPECT_THAT(refused.errors, HasSubstr(why));
  }

  void ExpectGoesOn(const std::string& with_notice) const {
    const ProgramResult resumed = RunProgram(ResumeCommand(run_), kTrainingTimeout);
    EXPECT_EQ(resumed.exit_code, 0) << resumed.output << resumed.errors;
    EXPECT_THAT(resumed.output, HasSubstr(with_notice));
    ExpectWholeLog(run_, kRounds);
  }

  TemporaryFolder folder_;
  const std::string run_ = folder_ / "run";
};

TEST_F(TamperedRunTest, AnEditedExperimentIsRefusedAndTheRunCanStillGoOn) {
  const std::string file = run_ + "/experiment.textproto";
  const std::string text = ReadFile(file);
  WriteFile(file, absl::StrReplaceAll(text, {{absl::StrCat("\nrounds: ", kRounds, "\n"),
                                              "\nrounds: 40\n"}}));
  const int rows = NumCurveRows(run_ + "/curve.csv");
  ExpectRefused(absl::StrCat("rounds is 40 in ", file, " and ", kRounds, " in the run"));
  EXPECT_EQ(NumCurveRows(run_ + "/curve.csv"), rows);
  WriteFile(file, text);
  ExpectGoesOn("30 rounds");
  EXPECT_EQ(NumCurveRows(run_ + "/curve.csv"), kRows);
}

TEST_F(TamperedRunTest, AMissingStoreIsNamedAndTheRunGoesOnWithItBackInPlace) {
  std::filesystem::rename(run_ + "/experiments.db", folder_ / "kept");
  ExpectRefused("experiments.db");
  std::filesystem::rename(folder_ / "kept", run_ + "/experiments.db");
  ExpectGoesOn("30 rounds");
}

TEST_F(TamperedRunTest, AMissingCurveIsToldAndANewOneBegins) {
  std::filesystem::remove(run_ + "/curve.csv");
  ExpectGoesOn(run_ + "/curve.csv is missing: a new one begins where the run goes on\n");
  EXPECT_GT(NumCurveRows(run_ + "/curve.csv"), 0);
  EXPECT_LT(NumCurveRows(run_ + "/curve.csv"), kRows);
}

TEST(ResumeCommandTest, AFolderThatIsNoRunIsRefused) {
  const TemporaryFolder folder;
  const ProgramResult result = RunProgram({Binary("sr2l"), "resume", folder.path()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("is no run's folder"));
}

}  // namespace
}  // namespace sr2l
