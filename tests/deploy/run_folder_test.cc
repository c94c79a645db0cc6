#include "deploy/cli/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "common/rpc/address.h"
#include "deploy/cli/child_process.h"
#include "deploy/cli/folder_lock.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(RunFolderTest, MakesTheFolderAndThoseAboveIt) {
  const TemporaryFolder parent;
  const auto folder = RunFolder::Create(parent / "runs/a");
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->path(), parent / "runs/a");
  for (const char* part : {"logs", "policies", "sockets"}) {
    EXPECT_TRUE(fs::is_directory(parent / ("runs/a/" + std::string(part)))) << part;
  }
  EXPECT_EQ(folder->Log("actor-0"), parent / "runs/a/logs/actor-0.log");
}

TEST(RunFolderTest, ASlashAtTheEndMakesNoDifference) {
  const TemporaryFolder parent;
  const auto folder = RunFolder::Create((parent / "a") + "/");
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(folder->path(), parent / "a");
}

TEST(RunFolderTest, AcceptsAnEmptyFolderAndRefusesAUsedOne) {
  const TemporaryFolder parent;
  fs::create_directory(parent / "a");
  EXPECT_TRUE(RunFolder::Create(parent / "a").ok());
  const auto again = RunFolder::Create(parent / "a");
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(again.status().message()), HasSubstr(parent / "a"));
}

TEST(RunFolderTest, AFolderWithALockAloneIsEmpty) {
  const TemporaryFolder parent;
  WriteFile(parent / "run.lock", "");
  EXPECT_TRUE(RunFolder::Create(parent.path()).ok());
}

// What a learner and `train` add to a folder that was made.
void BeginRun(const std::string& path) {
  WriteFile(path + "/experiment.textproto", "");
  WriteFile(path + "/experiments.db", "");
}

TEST(RunFolderTest, WhileOneHasTheFolderAllOthersAreRefusedAndTouchNothing) {
  const TemporaryFolder parent;
  const std::string path = parent / "a";
  const std::string refusal =
      "another sr2l process (pid " + std::to_string(getpid()) + ") uses " + path;
  {
    const auto folder = RunFolder::Create(path);
    ASSERT_TRUE(folder.ok()) << folder.status();
    BeginRun(path);
    WriteFile(folder->AddressFile("learner"), "listen=x\n");
    for (const auto& second : {RunFolder::Open(path).status(), RunFolder::Create(path).status()}) {
      EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
      EXPECT_EQ(second.message(), refusal);
    }
    EXPECT_TRUE(fs::exists(folder->AddressFile("learner")));
  }
  const auto next = RunFolder::Open(path);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_FALSE(fs::exists(next->AddressFile("learner")));
}

// The pid of a process that has ended.
pid_t EndedProcess(const TemporaryFolder& folder) {
  const auto process = ChildProcess::Start(
      {.name = "true", .program = "/bin/true", .arguments = {}, .log_path = folder / "true"});
  return (*process)->pid();
}

TEST(RunFolderTest, ChildrenOfAProcessThatWasKilledHaveTheFolderToTheirEnd) {
  const TemporaryFolder parent;
  const std::string path = parent / "a";
  std::unique_ptr<ChildProcess> child;
  {
    const auto folder = RunFolder::Create(path);
    ASSERT_TRUE(folder.ok()) << folder.status();
    BeginRun(path);
    child = *ChildProcess::Start({.name = "sleep",
                                  .program = "/bin/sleep",
                                  .arguments = {"600"},
                                  .log_path = parent / "sleep",
                                  .kept_fd = folder->lock_fd()});
  }
  // By its name the folder is this process', which runs: no use waiting for it.
  EXPECT_EQ(RunFolder::Open(path).status().code(), absl::StatusCode::kUnavailable);
  WriteFile(path + "/run.lock", std::to_string(EndedProcess(parent)) + "\n");
  EXPECT_EQ(FolderLock::Take(path, absl::Milliseconds(30)).status().code(),
            absl::StatusCode::kUnavailable);
  auto opened = std::async(std::launch::async, [&path] { return RunFolder::Open(path).status(); });
  child.reset();
  EXPECT_TRUE(opened.get().ok());
}

TEST(RunFolderTest, AFolderWithoutTheLearnersStateIsRefusedByName) {
  const TemporaryFolder parent;
  const std::string path = parent / "a";
  ASSERT_TRUE(RunFolder::Create(path).ok());
  BeginRun(path);
  // Nothing that a run goes on from.
  fs::remove(path + "/logs");
  fs::remove(path + "/policies");
  ASSERT_TRUE(RunFolder::Open(path).ok());
  EXPECT_TRUE(fs::exists(path + "/logs"));
  fs::remove(path + "/experiments.db");
  // It never began.
  ASSERT_TRUE(RunFolder::Open(path).ok());
  for (const char* result :
       {"curve.csv", "evaluations.csv", "checkpoints/a", "policies/member_000.member"}) {
    fs::create_directories(fs::path(path + "/" + result).parent_path());
    WriteFile(path + "/" + result, "");
    const absl::Status missing = RunFolder::Open(path).status();
    EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound) << result;
    EXPECT_THAT(std::string(missing.message()), HasSubstr("experiments.db"));
    fs::remove_all(path + "/" + result);
    fs::remove(path + "/checkpoints");
  }
  EXPECT_TRUE(RunFolder::Open(path).ok());
}

TEST(RunFolderTest, RefusesAFile) {
  const TemporaryFolder parent;
  WriteFile(parent / "a", "");
  EXPECT_EQ(RunFolder::Create(parent / "a").status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(RunFolderTest, OnlyTheUserMayEnterTheSocketsFolder) {
  const TemporaryFolder parent;
  const auto folder = RunFolder::Create(parent / "a");
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(fs::status(parent / "a/sockets").permissions(), fs::perms::owner_all);
}

// kUnixPathLimit bytes is what the kernel takes for a socket's path.
TEST(RunFolderTest, ALongPathGetsItsSocketsInAPrivateFolderElsewhere) {
  const TemporaryFolder parent;
  const std::string path = parent / std::string(120, 'x');
  const auto folder = RunFolder::Create(path);
  ASSERT_TRUE(folder.ok()) << folder.status();
  const std::string address = folder->SocketAddress("learner");
  EXPECT_TRUE(ClassifyAddress(address).ok()) << address;
  const fs::path sockets = path + "/sockets";
  ASSERT_TRUE(fs::is_symlink(sockets));
  const fs::path target = fs::read_symlink(sockets);
  EXPECT_EQ(fs::status(target).permissions(), fs::perms::owner_all);
  WriteFile(folder->AddressFile("learner"), "listen=x\n");
  folder->RemoveSockets();
  EXPECT_FALSE(fs::exists(target));
  EXPECT_FALSE(fs::is_symlink(sockets));
}

TEST(RunFolderTest, EveryLengthOfPathGivesAnAddressThatCanBeUsed) {
  const TemporaryFolder parent;
  for (size_t length = 1; length < 110; ++length) {
    const auto folder = RunFolder::Create(parent / std::string(length, 'x'));
    ASSERT_TRUE(folder.ok()) << folder.status();
    for (const char* process : {"learner", "replay", "actor-1023"}) {
      const std::string address = folder->SocketAddress(process);
      EXPECT_TRUE(ClassifyAddress(address).ok()) << address;
    }
    folder->RemoveSockets();
  }
}

TEST(RunFolderTest, RemoveSocketsEmptiesTheFolder) {
  const TemporaryFolder parent;
  const auto folder = RunFolder::Create(parent / "a");
  ASSERT_TRUE(folder.ok()) << folder.status();
  WriteFile(folder->AddressFile("replay"), "listen=x\n");
  folder->RemoveSockets();
  EXPECT_TRUE(fs::is_empty(parent / "a/sockets"));
}

TEST(RunFolderTest, DefaultPathHasTheNameAndTheUtcTime) {
  const absl::Time time = absl::FromCivil(absl::CivilSecond(2024, 5, 6, 7, 8, 9),
                                          absl::UTCTimeZone());
  EXPECT_EQ(RunFolder::DefaultPath("trpo_swimmer", time), "runs/trpo_swimmer-20240506T070809Z");
}

TEST(RunFolderTest, DefaultPathIsFreshWithinOneSecond) {
  const TemporaryFolder parent;
  const fs::path previous = fs::current_path();
  fs::current_path(parent.path());
  const std::string first = RunFolder::DefaultPath("a", absl::UnixEpoch());
  fs::create_directories(first);
  const std::string second = RunFolder::DefaultPath("a", absl::UnixEpoch());
  fs::current_path(previous);
  EXPECT_EQ(second, first + "-2");
}

TEST(ReadAddressTest, FindsTheLineOfItsKey) {
  const TemporaryFolder folder;
  WriteFile(folder / "address", "listen=unix:/a=b\nmetrics=127.0.0.1:9\n");
  EXPECT_EQ(ReadAddress(folder / "address", "listen").value(), "unix:/a=b");
  EXPECT_EQ(ReadAddress(folder / "address", "metrics").value(), "127.0.0.1:9");
  EXPECT_EQ(ReadAddress(folder / "address", "health").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sr2l
