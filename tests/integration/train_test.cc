// sr2l train: its processes start, are supervised and never outlive it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/rpc/server.h"
#include "sr2l/v1/experiment.grpc.pb.h"
#include "tests/deploy/process_table.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kEndless[] = "rounds=1000000";
constexpr absl::Duration kTimeout = absl::Minutes(2);

class TrainTest : public ::testing::Test {
 protected:
  std::vector<std::string> Arguments(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {Binary("sr2l"), "train", file_,     "--run",
                                          run_,           "--actors", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Whether any process of the run exists: the folder is in the arguments of all.
  bool AnyProcess() const { return NumProcessesWith(run_) > 0; }

  bool HasRounds() const { return NumCurveRows(run_ + "/curve.csv") >= 3; }

  TemporaryFolder folder_;
  const std::string file_ = WritePendulum(folder_);
  const std::string run_ = folder_ / "run";
};

TEST_F(TrainTest, LeavesACompleteFolderAndATableOfMembers) {
  const ProgramResult result = RunProgram(Arguments({}), kTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("return of last 20 rounds"), HasSubstr(run_)));
  EXPECT_EQ(NumCurveRows(run_ + "/curve.csv"), 3 * 8);
  for (const char* name :
       {"experiment.textproto", "policies/member_000.member", "policies/member_002.member",
        "logs/replay.log", "logs/learner.log", "logs/actor-0.log", "logs/actor-1.log"}) {
    EXPECT_TRUE(fs::exists(run_ + "/" + name)) << name;
  }
  EXPECT_TRUE(fs::is_empty(run_ + "/sockets"));
  EXPECT_FALSE(AnyProcess());
}

TEST_F(TrainTest, TheFoldersExperimentFileGivesTheSameRunAgain) {
  ASSERT_EQ(RunProgram(Arguments({}), kTimeout).exit_code, 0);
  const ProgramResult again =
      RunProgram({Binary("sr2l"), "train", run_ + "/experiment.textproto", "--run",
                  folder_ / "again", "--actors", "1"},
                 kTimeout);
  EXPECT_EQ(again.exit_code, 0) << again.output << again.errors;
  EXPECT_EQ(RunProgram({Binary("sr2l"), "digest", run_}).output,
            RunProgram({Binary("sr2l"), "digest", folder_ / "again"}).output);
}

TEST_F(TrainTest, AnInterruptDrainsAndLeavesNoProcess) {
  for (const int signal : {SIGINT, SIGTERM}) {
    fs::remove_all(run_);
    RunningProgram train(Arguments({"--set", kEndless}));
    ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
    train.Signal(signal);
    const ProgramResult result = train.Wait(kTimeout);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, AllOf(HasSubstr("interrupted"), HasSubstr(run_)));
    EXPECT_FALSE(AnyProcess());
    // Everybody had the time to end in order.
    EXPECT_FALSE(absl::StrContains(result.output, "was killed"))
        << result.output << ReadFile(run_ + "/logs/actor-0.log")
        << ReadFile(run_ + "/logs/actor-1.log") << ReadFile(run_ + "/logs/replay.log");
    EXPECT_TRUE(fs::exists(run_ + "/policies/member_000.member"));
  }
}

// What was cancelled has ended: there is nothing to go on with, as after an interrupt.
TEST_F(TrainTest, OnlyAnInterruptedRunIsToldHowItGoesOn) {
  RunningProgram train(Arguments({"--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
  const std::string learner = "unix:" + run_ + "/sockets/learner.sock";
  const std::string listed = RunProgram({Binary("sr2l"), "list", "--learner", learner}).output;
  const std::vector<std::string> lines = absl::StrSplit(listed, '\n');
  ASSERT_GE(lines.size(), 2U) << listed;
  const std::string experiment_id(lines[1].substr(0, lines[1].find(' ')));
  ASSERT_EQ(RunProgram({Binary("sr2l"), "cancel", experiment_id, "--learner", learner}).exit_code,
            0);
  const ProgramResult cancelled = train.Wait(kTimeout);
  EXPECT_EQ(cancelled.exit_code, 1);
  EXPECT_THAT(cancelled.errors, AllOf(HasSubstr("cancelled by an operator"), HasSubstr(run_),
                                      Not(HasSubstr("sr2l resume"))));
  fs::remove_all(run_);
  RunningProgram again(Arguments({"--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << again.output() << again.errors();
  again.Signal(SIGINT);
  EXPECT_THAT(again.Wait(kTimeout).errors, HasSubstr("go on with: sr2l resume " + run_));
}

TEST_F(TrainTest, AnInterruptDuringTheStartLeavesNoProcess) {
  RunningProgram train(Arguments({"--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return fs::exists(run_ + "/logs/replay.log"); }));
  train.Signal(SIGINT);
  EXPECT_EQ(train.Wait(kTimeout).exit_code, 1);
  EXPECT_FALSE(AnyProcess());
}

TEST_F(TrainTest, AnInterruptWaitsForALongUpdate) {
  RunningProgram train(Arguments({"--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
  // To the others a learner that is stopped is one that computes.
  const std::vector<pid_t> learners = ChildrenWith(train.pid(), "sr2l-learner");
  ASSERT_EQ(learners.size(), 1U);
  kill(learners[0], SIGSTOP);
  train.Signal(SIGINT);
  absl::SleepFor(absl::Seconds(12));
  kill(learners[0], SIGCONT);
  const ProgramResult result = train.Wait(kTimeout);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, Not(HasSubstr("was killed")));
  EXPECT_TRUE(fs::exists(run_ + "/policies/member_000.member"));
}

TEST_F(TrainTest, ASecondInterruptKillsAtOnce) {
  RunningProgram train(Arguments({"--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
  // A learner that is stopped cannot drain.
  const std::vector<pid_t> learners = ChildrenWith(train.pid(), "sr2l-learner");
  ASSERT_EQ(learners.size(), 1U);
  kill(learners[0], SIGSTOP);
  train.Signal(SIGINT);
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(train.output(), "interrupted"); }));
  train.Signal(SIGINT);
  const ProgramResult result = train.Wait(absl::Seconds(20));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, Not(HasSubstr("did not stop in time")));
  EXPECT_FALSE(AnyProcess());
}

TEST_F(TrainTest, ASecondCommandOnTheSameFolderIsRefusedAndTheFirstGoesOn) {
  RunningProgram train(Arguments({"--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
  const std::string refusal =
      "another sr2l process (pid " + std::to_string(train.pid()) + ") uses " + run_;
  for (const auto& second : {Arguments({}), {Binary("sr2l"), "resume", run_}}) {
    const ProgramResult refused = RunProgram(second, kTimeout);
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.errors, HasSubstr(refusal));
  }
  // A learner that is started anew needs the sockets.
  const std::vector<pid_t> learners = ChildrenWith(train.pid(), "sr2l-learner");
  ASSERT_EQ(learners.size(), 1U);
  kill(learners[0], SIGKILL);
  ASSERT_TRUE(Eventually([&] {
    return absl::StrContains(train.output(), "learner was killed by signal 9");
  }));
  const int rows = NumCurveRows(run_ + "/curve.csv");
  EXPECT_TRUE(Eventually([&] { return NumCurveRows(run_ + "/curve.csv") > rows; }))
      << train.output();
}

// A folder with the programs, but a learner that begins with `script`, with $address its
// address file.
void WritePrograms(const std::string& folder, const std::string& script) {
  fs::create_directory(folder);
  fs::copy_file(Binary("sr2l"), folder + "/sr2l");
  for (const char* program : {"sr2l-replay", "sr2l-actor"}) {
    fs::create_symlink(Binary(program), folder + "/" + program);
  }
  const std::string learner = folder + "/sr2l-learner";
  WriteFile(learner, "#!/bin/sh\n"
                     "for word in \"$@\"; do\n"
                     "  test \"$before\" = --address-file && address=$word\n"
                     "  before=$word\n"
                     "done\n" + script + "exec " + Binary("sr2l-learner") + " \"$@\"\n");
  fs::permissions(learner, fs::perms::owner_all);
}

TEST_F(TrainTest, ALearnerThatDiesBeforeTheExperimentIsSubmittedIsStartedAgain) {
  WritePrograms(folder_ / "bin", "if ! test -e " + (folder_ / "died") + "; then\n  touch " +
                                     (folder_ / "died") + " $address\n  while ! test -e " + run_ +
                                     "/logs/actor-1.log; do sleep 0.01; done\n  exit 3\nfi\n");
  std::vector<std::string> arguments = Arguments({});
  arguments[0] = folder_ / "bin/sr2l";
  const ProgramResult result = RunProgram(arguments, kTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, HasSubstr("learner exited with status 3; starting it again"));
  EXPECT_EQ(NumCurveRows(run_ + "/curve.csv"), 3 * 8);
}

TEST_F(TrainTest, ALearnerThatDiesBeforeThatAgainAndAgainEndsTheRunWithItsReason) {
  WritePrograms(folder_ / "bin", "touch $address\nwhile ! test -e " + run_ +
                                     "/logs/actor-1.log; do sleep 0.01; done\n"
                                     "echo no device\nexit 3\n");
  std::vector<std::string> arguments = Arguments({"--restarts", "2"});
  arguments[0] = folder_ / "bin/sr2l";
  const ProgramResult result = RunProgram(arguments, kTimeout);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("learner exited with status 3"),
                                   HasSubstr("failure number 3"), HasSubstr("no device")));
  EXPECT_FALSE(AnyProcess());
}

// A learner that leaves everything unanswered.
class SilentLearner final : public v1::Experiments::Service {
 public:
  grpc::Status List(grpc::ServerContext* context, const v1::ListRequest* /*request*/,
                    v1::ListResponse* /*response*/) override {
    if (!asked.HasBeenNotified()) asked.Notify();
    while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    cancelled_before_deadline =
        std::chrono::system_clock::now() + std::chrono::seconds(1) < context->deadline();
    return grpc::Status::CANCELLED;
  }

  absl::Notification asked;
  std::atomic<bool> cancelled_before_deadline = false;
};

TEST_F(TrainTest, AnInterruptEndsTheWaitForALearnerThatNeverAnswers) {
  WritePrograms(folder_ / "bin",
                "while ! test -S ${address%.address}.sock; do sleep 0.01; done\n"
                "touch $address\nexec sleep 600\n");
  std::vector<std::string> arguments = Arguments({});
  arguments[0] = folder_ / "bin/sr2l";
  RunningProgram train(arguments);
  ASSERT_TRUE(Eventually([&] { return fs::exists(run_ + "/sockets"); })) << train.errors();
  SilentLearner learner;
  const auto server = RpcServer::Start(
      "unix:" + (fs::canonical(run_ + "/sockets") / "learner.sock").string(), {}, {&learner});
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_TRUE(learner.asked.WaitForNotificationWithTimeout(kTimeout)) << train.errors();
  train.Signal(SIGINT);
  const ProgramResult result = train.Wait(kTimeout);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("interrupted"), HasSubstr("sr2l resume " + run_)));
  EXPECT_TRUE(Eventually([&] { return learner.cancelled_before_deadline.load(); }));
  EXPECT_FALSE(AnyProcess());
}

TEST_F(TrainTest, NothingSurvivesAKilledTrain) {
  RunningProgram train(Arguments({"--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
  train.Signal(SIGKILL);
  train.Wait(kTimeout);
  EXPECT_TRUE(Eventually([&] { return !AnyProcess(); }));
}

TEST_F(TrainTest, AProcessThatIsGivenUpEndsTheRunWithItsReason) {
  for (const char* program : {"sr2l-learner", "sr2l-replay"}) {
    fs::remove_all(run_);
    RunningProgram train(Arguments({"--set", kEndless, "--restarts", "0"}));
    ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
    const std::vector<pid_t> children = ChildrenWith(train.pid(), program);
    ASSERT_EQ(children.size(), 1U) << program;
    kill(children[0], SIGKILL);
    const ProgramResult result = train.Wait(kTimeout);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, AllOf(HasSubstr("was killed by signal 9 (Killed)"),
                                     HasSubstr("run folder: " + run_)));
    EXPECT_FALSE(AnyProcess());
  }
}

TEST_F(TrainTest, AModelThatDoesNotLoadFailsTheRunWithItsReason) {
  WriteFile(folder_ / "broken.xml", "<mujoco><worldbody><nonsense/></worldbody></mujoco>");
  const ProgramResult result =
      RunProgram(Arguments({"--set", "task.model=\"broken.xml\""}), kTimeout);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("nonsense"), HasSubstr(run_)));
  EXPECT_FALSE(AnyProcess());
}

// The names sr2l_... in a text, up to the first character that no name has.
std::set<std::string> MetricNames(const std::string& text, const std::string& before) {
  std::set<std::string> names;
  const std::string start = before + "sr2l_";
  for (size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    const size_t first = at + before.size();
    const size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", first);
    names.insert(text.substr(first, end - first));
  }
  return names;
}

TEST_F(TrainTest, MetricsAnswerAtThePrintedAddressesWithTheNamesOfTheReadme) {
  RunningProgram train(Arguments({"--metrics", "--set", kEndless}));
  ASSERT_TRUE(Eventually([&] { return HasRounds(); })) << train.output() << train.errors();
  std::vector<std::string> processes;
  std::set<std::string> exported;
  for (const absl::string_view line : absl::StrSplit(train.output(), '\n')) {
    if (!absl::StartsWith(line, "metrics of ")) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    processes.push_back(words[2].substr(0, words[2].size() - 1));  // without its colon
    const std::string metrics = FetchMetrics(
        std::string(absl::StripSuffix(absl::StripPrefix(words[3], "http://"), "/metrics")));
    EXPECT_THAT(metrics, HasSubstr("\nprocess_cpu_seconds_total ")) << line;
    exported.merge(MetricNames(metrics, "# HELP "));
  }
  EXPECT_THAT(processes, ::testing::ElementsAre("replay", "learner", "actor-0", "actor-1"));
  EXPECT_EQ(exported, MetricNames(ReadFile(SourceFile("README.md")), "`"));
}

TEST_F(TrainTest, AFolderWithALongPathWorks) {
  const std::string deep = folder_ / std::string(100, 'd');
  const ProgramResult result = RunProgram(
      {Binary("sr2l"), "train", file_, "--run", deep, "--set", "rounds=1"}, kTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_FALSE(fs::exists(fs::symlink_status(deep + "/sockets")));
}

TEST_F(TrainTest, ARobotOfOnesOwnWithAMeshIsTrained) {
  const ProgramResult result =
      RunProgram({Binary("sr2l"), "train",
                  SourceFile("deploy/experiments/own_robot/own_robot.textproto"), "--run", run_,
                  "--set", "rounds=3"},
                 kTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_EQ(NumCurveRows(run_ + "/curve.csv"), 2 * 3);
  // The folder is enough to go on from: the model lies in it.
  const ProgramResult validate =
      RunProgram({Binary("sr2l"), "validate", run_ + "/experiment.textproto"});
  EXPECT_EQ(validate.exit_code, 0) << validate.errors;
  EXPECT_EQ(validate.output, ReadFile(run_ + "/experiment.textproto"));
}

}  // namespace
}  // namespace sr2l
