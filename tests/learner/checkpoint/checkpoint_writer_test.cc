#include "learner/checkpoint/checkpoint_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

v1::Checkpoint CheckpointAt(uint32_t member, uint64_t position) {
  v1::Checkpoint checkpoint;
  checkpoint.set_position(position);
  checkpoint.add_members()->set_member(member);
  checkpoint.mutable_members(0)->set_position(position);
  return checkpoint;
}

bool Any(const v1::MemberCheckpoint& /*checkpoint*/) { return true; }
absl::Status Synced(const v1::Checkpoint& /*checkpoint*/) { return absl::OkStatus(); }

TEST(CheckpointWriterTest, NothingIsWrittenBeforeWhatItLearnedFromIsDurable) {
  const TemporaryFolder folder;
  absl::Mutex mu;
  absl::Status answer = absl::UnavailableError("the disk fails");
  CheckpointWriter writer(*CheckpointFolder::Open(folder.path()), [&](const v1::Checkpoint&) {
    absl::MutexLock lock(&mu);
    return answer;
  });
  ASSERT_TRUE(writer.Submit(CheckpointAt(2, 5)));
  EXPECT_EQ(writer.Flush(2, absl::Minutes(1)), absl::UnavailableError("the disk fails"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(writer.NeededFrom(2), 0);
  {
    absl::MutexLock lock(&mu);
    answer = absl::OkStatus();
  }
  ASSERT_TRUE(writer.Submit(CheckpointAt(2, 5)));
  EXPECT_TRUE(writer.Flush(2, absl::Minutes(1)).ok());
  EXPECT_FALSE(std::filesystem::is_empty(folder.path()));
}

TEST(CheckpointWriterTest, WhatWasSubmittedIsOnDiskAfterFlushAndTellsWhatIsNeeded) {
  const TemporaryFolder folder;
  CheckpointWriter writer(*CheckpointFolder::Open(folder.path()), Synced);
  for (const uint64_t position : {5, 9, 14}) {
    ASSERT_TRUE(writer.Submit(CheckpointAt(2, position)));
    ASSERT_TRUE(writer.Flush(2, absl::Minutes(1)).ok());
  }
  EXPECT_EQ(writer.NeededFrom(2), 9);
  EXPECT_EQ(writer.NeededFrom(7), 0);
  std::vector<std::string> damaged;
  EXPECT_EQ(CheckpointFolder::Open(folder.path())->ReadNewest(Any, damaged).at(2).position(), 14);
}

TEST(CheckpointWriterTest, ItsEndWritesWhatWasSubmitted) {
  const TemporaryFolder folder;
  {
    CheckpointWriter writer(*CheckpointFolder::Open(folder.path()), Synced);
    for (uint32_t member = 0; member < 20; ++member) {
      ASSERT_TRUE(writer.Submit(CheckpointAt(member, 1)));
    }
  }
  std::vector<std::string> damaged;
  EXPECT_EQ(CheckpointFolder::Open(folder.path())->ReadNewest(Any, damaged).size(), 20);
}

TEST(CheckpointWriterTest, AFolderThatIsGoneIsAnErrorAndNothingIsDispensable) {
  const TemporaryFolder folder;
  const std::string path = folder / "checkpoints";
  CheckpointWriter writer(*CheckpointFolder::Open(path), Synced);
  std::filesystem::remove_all(path);
  ASSERT_TRUE(writer.Submit(CheckpointAt(0, 3)));
  EXPECT_FALSE(writer.Flush(0, absl::Minutes(1)).ok());
  EXPECT_EQ(writer.NeededFrom(0), 0);
}

}  // namespace
}  // namespace sr2l
