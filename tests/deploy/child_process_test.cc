#include "deploy/cli/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "tests/deploy/process_table.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

class ChildProcessTest : public ::testing::Test {
 protected:
  Command Shell(const std::string& script) const {
    return {.name = "child",
            .program = "/bin/sh",
            .arguments = {"-c", script},
            .log_path = folder_ / "log"};
  }
  std::string Log() const { return ReadFile(folder_ / "log"); }
  static absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

  TemporaryFolder folder_;
};

TEST_F(ChildProcessTest, TellsExitStatusAndSignal) {
  auto exits = ChildProcess::Start(Shell("exit 3"));
  ASSERT_TRUE(exits.ok()) << exits.status();
  const auto exit = (*exits)->WaitUntil(Soon());
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->Describe(), "exited with status 3");

  auto killed = ChildProcess::Start(Shell("kill -KILL $$"));
  ASSERT_TRUE(killed.ok()) << killed.status();
  const auto end = (*killed)->WaitUntil(Soon());
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->Describe(), "was killed by signal 9 (Killed)");
  EXPECT_FALSE(end->ok());
}

TEST_F(ChildProcessTest, OutputAndErrorsAreAppendedToTheLog) {
  WriteFile(folder_ / "log", "before\n");
  auto child = ChildProcess::Start(Shell("echo out; echo err >&2"));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE((*child)->WaitUntil(Soon()).has_value());
  EXPECT_EQ(Log(), "before\nout\nerr\n");
}

TEST_F(ChildProcessTest, StandardInputIsEmpty) {
  auto child = ChildProcess::Start(Shell("cat; echo end"));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE((*child)->WaitUntil(Soon()).has_value());
  EXPECT_EQ(Log(), "end\n");
}

TEST_F(ChildProcessTest, NamesAProgramThatCannotRun) {
  Command command = Shell("");
  command.program = folder_ / "missing";
  const auto child = ChildProcess::Start(command);
  EXPECT_EQ(child.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(child.status().message()), HasSubstr(folder_ / "missing"));
}

TEST_F(ChildProcessTest, PollDoesNotWaitAndWaitUntilKeepsItsDeadline) {
  auto child = ChildProcess::Start(Shell("exec sleep 600"));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_FALSE((*child)->Poll().has_value());
  EXPECT_FALSE((*child)->WaitUntil(absl::Now() + absl::Milliseconds(20)).has_value());
}

TEST_F(ChildProcessTest, DestructionKillsTheWholeGroup) {
  auto child = ChildProcess::Start(Shell("sleep 600 & echo $!; wait"));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(Eventually([&] { return !Log().empty(); }));
  pid_t grandchild = 0;
  ASSERT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(Log()), &grandchild));
  const pid_t pid = (*child)->pid();
  child->reset();
  EXPECT_FALSE(IsRunning(pid));
  EXPECT_TRUE(Eventually([&] { return !IsRunning(grandchild); }));
}

TEST_F(ChildProcessTest, WhatAnEndedChildLeavesBehindIsKilled) {
  auto child = ChildProcess::Start(Shell("sleep 600 & echo $!"));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE((*child)->WaitUntil(Soon()).has_value());
  pid_t grandchild = 0;
  ASSERT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(Log()), &grandchild));
  EXPECT_TRUE(Eventually([&] { return !IsRunning(grandchild); }));
}

TEST_F(ChildProcessTest, HasAProcessGroupOfItsOwn) {
  auto child = ChildProcess::Start(Shell("exec sleep 600"));
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(getpgid((*child)->pid()), (*child)->pid());
}

TEST_F(ChildProcessTest, StartsWithNoSignalBlockedOrIgnored) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  auto child = ChildProcess::Start(Shell("exec sleep 600"));
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  ASSERT_TRUE(child.ok()) << child.status();
  (*child)->Signal(SIGTERM);
  const auto exit = (*child)->WaitUntil(Soon());
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->signal, SIGTERM);
}

// The parent here is a process between the test and the child, which is killed without
// the chance to clean up.
TEST_F(ChildProcessTest, DoesNotOutliveAKilledParent) {
  const pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    auto child = ChildProcess::Start(Shell("echo $$; exec sleep 600"));
    pause();
    _exit(0);
  }
  ASSERT_TRUE(Eventually([&] { return !Log().empty(); }));
  pid_t child = 0;
  ASSERT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(Log()), &child));
  ASSERT_TRUE(IsRunning(child));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return !IsRunning(child); }));
}

}  // namespace
}  // namespace sr2l
