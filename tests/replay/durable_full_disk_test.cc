// A log on a disk that is full, again and again, at every point of what it does there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "replay/core/audit_log.h"
#include "replay/core/durable_log.h"
#include "tests/replay/chunks.h"
#include "tests/replay/small_disk.h"

namespace sr2l {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kDiskBytes = 160 * kMiB;
constexpr uint32_t kSteps = 500;  // of a chunk
constexpr absl::Duration kPatience = absl::Seconds(60);

class FullDiskTest : public ::testing::TestWithParam<LogSync> {
 protected:
  FullDiskTest() : disk_(::testing::TempDir() + "sr2l-small-disk", kDiskBytes) {
    spec_.set_observation_dim(200);
  }

  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "no disk can be mounted here: " << disk_.error();
  }

  std::string folder() const { return disk_.path() + "/log"; }

  absl::StatusOr<std::unique_ptr<DurableLog>> Open() const {
    return DurableLog::Open({.folder = folder(),
                             .byte_budget = 1024 * kMiB,
                             .sync = {.mode = GetParam(), .interval = absl::Milliseconds(5)}});
  }

  // About 430 kB.
  ChunkPtr Chunk(uint64_t first_step) const {
    return ShareChunk(spec_, {.first_step = first_step, .num_steps = kSteps});
  }

  // Appends and waits until that is as durable as it gets.
  absl::Status Append(DurableLog& log, uint64_t first_step) {
    SR2L_RETURN_IF_ERROR(log.Append(id_, Chunk(first_step)));
    return AwaitDurable(log);
  }
  static absl::Status AwaitDurable(DurableLog& log) {
    auto told = std::make_shared<std::promise<absl::Status>>();
    log.WhenDurable([told](const absl::Status& durable) { told->set_value(durable); });
    return told->get_future().get();
  }

  // Appends chunks until one is refused; the steps that the log has.
  uint64_t Fill(DurableLog& log, uint64_t next_step) {
    absl::Status status;
    while ((status = Append(log, next_step)).ok()) next_step += kSteps;
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("the disk of the log is full"));
    EXPECT_TRUE(log.health().full);
    EXPECT_THAT(log.health().refusal, ::testing::HasSubstr("No space left on device"));
    // In memory it may have one that only the sync refused.
    const uint64_t held = log.Describe()->at(0).streams[0].next_step;
    EXPECT_THAT(held, ::testing::AnyOf(next_step, next_step + kSteps));
    return held;
  }

  // Appends a chunk as soon as the log takes it.
  uint64_t AppendWhenThereIsRoom(DurableLog& log, uint64_t next_step) {
    const absl::Time deadline = absl::Now() + kPatience;
    absl::Status status;
    while (!(status = Append(log, next_step)).ok()) {
      if (absl::Now() > deadline) {
        ADD_FAILURE() << status;
        return next_step;
      }
    }
    EXPECT_FALSE(log.health().full);
    EXPECT_EQ(log.health().refusal, "");
    return next_step + kSteps;
  }

  void ExpectAllStepsOnce(const DurableLog& log, uint64_t end_step) {
    const auto chunks = *log.Read(id_, 0, end_step);
    ASSERT_EQ(chunks.size() * kSteps, end_step);
    for (size_t i = 0; i < chunks.size(); ++i) {
      EXPECT_TRUE(chunks[i]->SerializeAsString() == Chunk(i * kSteps)->SerializeAsString()) << i;
    }
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const StreamId id_{{"e", 0}, 0};
  SmallDisk disk_;
};

TEST_P(FullDiskTest, NothingIsLostAndItGoesOnWhenThereIsRoom) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  auto log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->CreateTables({spec_}).ok());
  uint64_t stored = AppendWhenThereIsRoom(**log, 0);
  for (int cycle = 0; cycle < 8; ++cycle) {
    disk_.LeaveRoom(std::uniform_int_distribution<uint64_t>(0, 4 * kMiB)(random));
    stored = Fill(**log, stored);
    ExpectAllStepsOnce(**log, stored);
    disk_.MakeRoom();
    stored = AppendWhenThereIsRoom(**log, stored);
  }
  log->reset();
  const auto audited = AuditLog(folder());
  ASSERT_TRUE(audited.ok()) << audited.status();
  EXPECT_EQ(audited->at(0).scan.steps, stored);
  EXPECT_THAT(audited->at(0).scan.damage, ::testing::IsEmpty());
  log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  ExpectAllStepsOnce(**log, stored);
}

INSTANTIATE_TEST_SUITE_P(Modes, FullDiskTest,
                         ::testing::Values(LogSync::kCommit, LogSync::kInterval, LogSync::kNone),
                         [](const auto& info) {
                           const char* const names[] = {"Commit", "Interval", "None"};
                           return names[static_cast<int>(info.param)];
                         });

}  // namespace
}  // namespace sr2l
