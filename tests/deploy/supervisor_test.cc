#include "deploy/cli/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>

#include "absl/time/clock.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest()
      : interrupts_(Interrupts::Create().value()),
        supervisor_(*interrupts_, wake_up_,
                    {.max_failures = 3, .healthy_after = absl::Minutes(10),
                     .notice = [this](const std::string& line) { notices_.push_back(line); }}) {}

  Command Shell(const std::string& name, const std::string& script) const {
    return {.name = name,
            .program = "/bin/sh",
            .arguments = {"-c", script},
            .log_path = folder_ / name};
  }
  static absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

  // Turns until `condition` holds or an error ends the run.
  absl::Status TurnUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = Soon();
    while (!condition()) {
      if (absl::Now() > deadline) return absl::DeadlineExceededError("test");
      const absl::Status status = supervisor_.Turn(absl::Now() + absl::Milliseconds(20));
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  int NumLines(const std::string& name) const {
    const std::string text = ReadFile(folder_ / name);
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }

  TemporaryFolder folder_;
  std::vector<std::string> notices_;
  std::unique_ptr<Interrupts> interrupts_;
  WakeUp wake_up_;
  Supervisor supervisor_;
};

TEST_F(SupervisorTest, EndOfAnIndispensableProcessIsAnErrorWithTheEndOfItsLog) {
  ASSERT_TRUE(supervisor_
                  .Start(Shell("learner", "echo first; echo the reason; exit 4"),
                         Supervisor::Role::kEssential)
                  .ok());
  const absl::Status status = TurnUntil([] { return false; });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("learner exited with status 4"), HasSubstr("the reason")));
}

TEST_F(SupervisorTest, EvenAnEndWithoutAnErrorIsOneWhileTheRunGoesOn) {
  ASSERT_TRUE(supervisor_.Start(Shell("replay", "exit 0"), Supervisor::Role::kEssential).ok());
  EXPECT_EQ(TurnUntil([] { return false; }).code(), absl::StatusCode::kUnavailable);
}

TEST_F(SupervisorTest, AnActorIsStartedAgain) {
  // Ends at its first start, stays at its second one.
  const std::string again = folder_ / "again";
  ASSERT_TRUE(supervisor_
                  .Start(Shell("actor", "echo started; test -e " + again +
                                            " && exec sleep 600; touch " + again + "; exit 1"),
                         Supervisor::Role::kReplaceable)
                  .ok());
  EXPECT_TRUE(TurnUntil([this] { return NumLines("actor") == 2; }).ok());
  EXPECT_EQ(supervisor_.num_running(), 1);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("actor exited with status 1; starting it again")));
}

TEST_F(SupervisorTest, TheLastActorIsGivenUpAfterItsFailuresInARow) {
  ASSERT_TRUE(
      supervisor_.Start(Shell("actor", "echo no model; exit 1"), Supervisor::Role::kReplaceable)
          .ok());
  const absl::Status status = TurnUntil([] { return false; });
  EXPECT_EQ(NumLines("actor"), 3);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("actor exited with status 1"), HasSubstr("failure number 3"),
                    HasSubstr("no model")));
}

TEST_F(SupervisorTest, AnEssentialProcessThatServedIsStartedAgainUntilItIsGivenUp) {
  const std::string path = folder_ / "address";
  ASSERT_TRUE(supervisor_
                  .Start(Shell("learner", "echo started; touch " + path + "; sleep 0.05; exit 3"),
                         Supervisor::Role::kEssential)
                  .ok());
  ASSERT_TRUE(supervisor_.AwaitFile("learner", path, Soon()).ok());
  const absl::Status status = TurnUntil([] { return false; });
  EXPECT_EQ(NumLines("learner"), 3);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("learner exited with status 3"), HasSubstr("failure number 3")));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("starting it again"),
                                    HasSubstr("starting it again")));
}

// As a replay that reads a long log: no deadline, but news, and its end ends the wait.
TEST_F(SupervisorTest, ALongWaitSaysWhatTheProcessDoesAndEndsWithIt) {
  Supervisor supervisor(
      *interrupts_, wake_up_,
      {.still_waiting_after = absl::ZeroDuration(), .notice = [this](const std::string& line) {
         notices_.push_back(line);
         if (notices_.size() == 3) std::ofstream(folder_ / "go");
       }});
  ASSERT_TRUE(supervisor
                  .Start(Shell("replay", "until test -e " + (folder_ / "go") +
                                             "; do sleep 0.01; done; exit 4"),
                         Supervisor::Role::kEssential)
                  .ok());
  const absl::Status status =
      supervisor.AwaitFile("replay", folder_ / "address", absl::InfiniteFuture(), "reads its log");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("replay exited with status 4"));
  ASSERT_GE(notices_.size(), 3U);
  EXPECT_THAT(notices_, Each(HasSubstr("replay still reads its log after ")));
}

TEST_F(SupervisorTest, TheRunGoesOnWithoutAnActorWhileAnotherOneWorks) {
  ASSERT_TRUE(
      supervisor_.Start(Shell("bad", "exit 1"), Supervisor::Role::kReplaceable).ok());
  ASSERT_TRUE(
      supervisor_.Start(Shell("good", "exec sleep 600"), Supervisor::Role::kReplaceable).ok());
  EXPECT_TRUE(TurnUntil([this] { return notices_.size() == 3; }).ok());
  EXPECT_THAT(notices_.back(), HasSubstr("going on without it"));
  EXPECT_EQ(supervisor_.num_running(), 1);
}

TEST_F(SupervisorTest, AProcessThatRanLongBreaksTheRowOfFailures) {
  Supervisor forgiving(*interrupts_, wake_up_,
                       {.max_failures = 2, .healthy_after = absl::ZeroDuration()});
  ASSERT_TRUE(
      forgiving.Start(Shell("actor", "echo started; exit 1"), Supervisor::Role::kReplaceable)
          .ok());
  absl::Status status;
  while (NumLines("actor") < 5 && status.ok()) status = forgiving.Turn(Soon());
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(SupervisorTest, AProcessThatAlwaysEndsLateIsGivenUpWhenTheRunGetsNoFurther) {
  Supervisor forgiving(
      *interrupts_, wake_up_,
      {.max_failures = 2, .healthy_after = absl::ZeroDuration(), .max_failures_stuck = 4});
  ASSERT_TRUE(
      forgiving.Start(Shell("actor", "echo started; exit 1"), Supervisor::Role::kReplaceable).ok());
  absl::Status status;
  while (NumLines("actor") < 3 && status.ok()) status = forgiving.Turn(Soon());
  forgiving.NoteProgress();
  const int before = NumLines("actor");
  while (status.ok()) status = forgiving.Turn(Soon());
  EXPECT_GE(NumLines("actor"), before + 3);
  EXPECT_LE(NumLines("actor"), before + 4);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("the failure number 4 since the run last got further"));
}

TEST_F(SupervisorTest, StopSendsSigtermAndLetsTheProcessFinish) {
  ASSERT_TRUE(supervisor_
                  .Start(Shell("learner", "trap 'echo saved; exit 0' TERM; echo ready; "
                                          "while :; do sleep 0.01; done"),
                         Supervisor::Role::kEssential)
                  .ok());
  ASSERT_TRUE(TurnUntil([this] { return NumLines("learner") == 1; }).ok());
  supervisor_.Stop({"learner"}, absl::Seconds(30));
  EXPECT_THAT(ReadFile(folder_ / "learner"), EndsWith("saved\n"));
  EXPECT_EQ(supervisor_.num_running(), 0);
  EXPECT_TRUE(notices_.empty());
}

// As of a process that has not set its handler yet.
TEST_F(SupervisorTest, AProcessThatSigtermEndsHasStoppedAsItWasAskedTo) {
  ASSERT_TRUE(
      supervisor_.Start(Shell("actor", "exec sleep 600"), Supervisor::Role::kReplaceable).ok());
  supervisor_.Stop({"actor"}, absl::Seconds(30));
  EXPECT_EQ(supervisor_.num_running(), 0);
  EXPECT_THAT(notices_, ::testing::IsEmpty());
}

TEST_F(SupervisorTest, AnyOtherSignalWhileStoppingIsTold) {
  ASSERT_TRUE(supervisor_
                  .Start(Shell("learner", "trap 'kill -KILL $$' TERM; echo ready; "
                                          "while :; do sleep 0.01; done"),
                         Supervisor::Role::kEssential)
                  .ok());
  ASSERT_TRUE(TurnUntil([this] { return NumLines("learner") == 1; }).ok());
  supervisor_.Stop({"learner"}, absl::Seconds(30));
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("learner was killed by signal 9")));
}

TEST_F(SupervisorTest, StopKillsAProcessThatDoesNotEnd) {
  ASSERT_TRUE(supervisor_
                  .Start(Shell("deaf", "trap '' TERM; echo ready; while :; do sleep 1; done"),
                         Supervisor::Role::kEssential)
                  .ok());
  ASSERT_TRUE(TurnUntil([this] { return NumLines("deaf") == 1; }).ok());
  supervisor_.Stop({"deaf"}, absl::Milliseconds(50));
  EXPECT_EQ(supervisor_.num_running(), 0);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("did not stop in time")));
}

TEST_F(SupervisorTest, AnInterruptCutsTheGraceOfStopShort) {
  ASSERT_TRUE(supervisor_
                  .Start(Shell("deaf", "trap '' TERM; echo ready; while :; do sleep 1; done"),
                         Supervisor::Role::kEssential)
                  .ok());
  ASSERT_TRUE(TurnUntil([this] { return NumLines("deaf") == 1; }).ok());
  kill(getpid(), SIGINT);
  const absl::Time before = absl::Now();
  supervisor_.Stop({"deaf"}, absl::Minutes(10));
  EXPECT_LT(absl::Now() - before, absl::Minutes(1));
  EXPECT_EQ(supervisor_.num_running(), 0);
}

TEST_F(SupervisorTest, AStoppedActorIsNotStartedAgain) {
  ASSERT_TRUE(
      supervisor_.Start(Shell("actor", "echo started; exit 1"), Supervisor::Role::kReplaceable)
          .ok());
  ASSERT_TRUE(TurnUntil([this] { return !notices_.empty(); }).ok());
  supervisor_.Stop({"actor"}, absl::Seconds(1));
  const int starts = NumLines("actor");
  EXPECT_TRUE(supervisor_.Turn(absl::Now() + absl::Milliseconds(300)).ok());
  EXPECT_EQ(NumLines("actor"), starts);
}

TEST_F(SupervisorTest, SignalsAndWakeUpsEndATurn) {
  kill(getpid(), SIGTERM);
  EXPECT_TRUE(supervisor_.Turn(absl::InfiniteFuture()).ok());
  EXPECT_EQ(supervisor_.interrupts(), 1);
  wake_up_.Set();
  EXPECT_TRUE(supervisor_.Turn(absl::InfiniteFuture()).ok());
  EXPECT_EQ(supervisor_.interrupts(), 1);
}

TEST_F(SupervisorTest, AwaitFileReturnsOnceTheProcessHasWrittenIt) {
  // The process writes the file only after the pipe was read.
  const std::string path = folder_ / "address";
  const std::string pipe = folder_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_TRUE(supervisor_
                  .Start(Shell("replay", "echo > " + pipe + "; touch " + path +
                                             "; exec sleep 600"),
                         Supervisor::Role::kEssential)
                  .ok());
  EXPECT_EQ(supervisor_.AwaitFile("replay", path, absl::Now()).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReadFile(pipe), "\n");
  EXPECT_TRUE(supervisor_.AwaitFile("replay", path, Soon()).ok());
}

TEST_F(SupervisorTest, AwaitFileFailsAtOnceWhenTheProcessEnds) {
  ASSERT_TRUE(supervisor_
                  .Start(Shell("replay", "echo address in use; exit 1"),
                         Supervisor::Role::kEssential)
                  .ok());
  const absl::Status status =
      supervisor_.AwaitFile("replay", folder_ / "address", absl::Now() + absl::Minutes(10));
  EXPECT_THAT(std::string(status.message()), HasSubstr("address in use"));
}

TEST_F(SupervisorTest, AwaitFileHasADeadlineAndYieldsToAnInterrupt) {
  ASSERT_TRUE(
      supervisor_.Start(Shell("replay", "exec sleep 600"), Supervisor::Role::kEssential).ok());
  EXPECT_EQ(supervisor_
                .AwaitFile("replay", folder_ / "address", absl::Now() + absl::Milliseconds(30))
                .code(),
            absl::StatusCode::kDeadlineExceeded);
  kill(getpid(), SIGINT);
  EXPECT_EQ(supervisor_.AwaitFile("replay", folder_ / "address", Soon()).code(),
            absl::StatusCode::kCancelled);
}

TEST_F(SupervisorTest, KillAllLeavesNothingRunning) {
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(
        supervisor_.Start(Shell(name, "exec sleep 600"), Supervisor::Role::kEssential).ok());
  }
  EXPECT_EQ(supervisor_.num_running(), 3);
  supervisor_.KillAll();
  EXPECT_EQ(supervisor_.num_running(), 0);
  EXPECT_TRUE(supervisor_.Turn(absl::Now()).ok());
}

TEST(LogTailTest, GivesTheLastLinesThatAreNotEmpty) {
  const TemporaryFolder folder;
  WriteFile(folder / "log", "one\n\ntwo\nthree\n\n");
  EXPECT_THAT(LogTail(folder / "log", 2), ElementsAre("two", "three"));
  EXPECT_TRUE(LogTail(folder / "missing", 2).empty());
}

}  // namespace
}  // namespace sr2l
