#include "deploy/cli/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "common/rpc/address.h"
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
