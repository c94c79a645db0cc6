// A log of transitions whose disk is full while the learner releases steps: the log on disk must
// hold what its own records, not the process' memory, say that it holds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "replay/core/durable_log.h"
#include "tests/replay/chunks.h"
#include "tests/replay/eventually.h"
#include "tests/replay/log_folder.h"
#include "tests/replay/small_disk.h"

namespace sr2l {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint32_t kSteps = 500;  // of a chunk, and of a round
constexpr uint64_t kCapacity = 2 * kSteps;

[[maybe_unused]] const bool kAsked = (SmallDisk::AllowMounts(), true);  // while there is one thread

class RingFullDiskTest : public ::testing::Test {
 protected:
  RingFullDiskTest() : disk_(home_.root() + "/disk", 64 * kMiB) {
    spec_.set_observation_dim(200);  // 430 kB for a chunk
    spec_.set_capacity(kCapacity);
  }

  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "no disk can be mounted here: " << disk_.error();
    log_ = Open(disk_.path() + "/log");
    ASSERT_TRUE(log_->CreateTables({spec_}).ok());
  }

  static std::unique_ptr<DurableLog> Open(const std::string& folder) {
    auto log = DurableLog::Open({.folder = folder, .byte_budget = 1024 * kMiB});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  absl::Status Append() {
    const absl::Status status =
        log_->Append(id_, ShareChunk(spec_, {.first_step = steps_, .num_steps = kSteps}));
    if (status.ok()) steps_ += kSteps;
    return status;
  }

  // What a learner and the ring do when batches are drawn from the newest steps alone.
  void ReleaseAll() {
    ASSERT_TRUE(log_->Release(id_.table, steps_).ok());
    log_->Forget(id_, steps_ - kCapacity);
  }

  // As a process finds it after this one was killed; the first step that it holds.
  uint64_t ExpectWholeAfterAKill() const {
    const LogFolder copy;
    std::filesystem::copy(disk_.path() + "/log", copy.path());
    const auto log = Open(copy.path());
    const TableState table = log->Describe()->at(0);
    EXPECT_TRUE(table.damage.empty()) << ToText(table.damage.at(0));
    EXPECT_EQ(table.streams[0].next_step, steps_);
    uint64_t held = 0;
    EXPECT_TRUE(
        log->ReadKept(id_, [&](const ChunkPtr& chunk) { held += chunk->num_steps(); }).ok());
    EXPECT_EQ(held, steps_ - table.kept_begin[0]);
    EXPECT_LE(table.kept_begin[0] + kCapacity, table.released_end);
    return table.kept_begin[0];
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const StreamId id_{{"e", 0}, 0};
  uint64_t steps_ = 0;  // that the log has taken
  const LogFolder home_;
  SmallDisk disk_;
  std::unique_ptr<DurableLog> log_;
};

TEST_F(RingFullDiskTest, AReleaseThatTheDiskDidNotTakeLetsNoStepGo) {
  while (steps_ < 3 * kCapacity) ASSERT_TRUE(Append().ok());
  ReleaseAll();
  ASSERT_TRUE(Append().ok());
  const uint64_t released = 3 * kCapacity;
  EXPECT_EQ(ExpectWholeAfterAKill(), released - kCapacity);
  disk_.LeaveRoom(0);
  while (Append().ok()) {
  }
  ReleaseAll();
  disk_.MakeRoom();
  Eventually([&] { return Append().ok(); });
  EXPECT_EQ(ExpectWholeAfterAKill(), released - kCapacity);
  // The next one makes good for it.
  ReleaseAll();
  const uint64_t released_now = steps_;
  ASSERT_TRUE(Append().ok());
  EXPECT_EQ(ExpectWholeAfterAKill(), released_now - kCapacity);
}

}  // namespace
}  // namespace sr2l
