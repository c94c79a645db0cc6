// A log on a disk that is full, again and again, at every point of what it does there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "replay/core/audit_log.h"
#include "replay/core/durable_log.h"
#include "tests/replay/chunks.h"
#include "tests/replay/log_folder.h"
#include "tests/replay/small_disk.h"

namespace sr2l {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kDiskBytes = 128 * kMiB;
constexpr uint32_t kSteps = 500;  // of a chunk
constexpr absl::Duration kPatience = absl::Seconds(60);

[[maybe_unused]] const bool kAsked = (SmallDisk::AllowMounts(), true);  // while there is one thread

class FullDiskTest : public ::testing::TestWithParam<LogSync> {
 protected:
  FullDiskTest() : disk_(home_.root() + "/disk", kDiskBytes) {
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

  void ExpectEachStepOnce(const DurableLog& log, uint64_t begin_step, uint64_t end_step) {
    const auto chunks = *log.Read(id_, begin_step, end_step);
    ASSERT_EQ(chunks.size() * kSteps, end_step - begin_step);
    for (size_t i = 0; i < chunks.size(); ++i) {
      const uint64_t step = begin_step + i * kSteps;
      EXPECT_TRUE(chunks[i]->SerializeAsString() == Chunk(step)->SerializeAsString()) << step;
    }
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const StreamId id_{{"e", 0}, 0};
  const LogFolder home_;
  SmallDisk disk_;
};

TEST_P(FullDiskTest, NothingIsLostAndItGoesOnWhenThereIsRoom) {
  std::mt19937 random(::testing::UnitTest::GetInstance()->random_seed());
  auto log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->CreateTables({spec_}).ok());
  uint64_t released = 0;
  uint64_t stored = AppendWhenThereIsRoom(**log, 0);
  for (int cycle = 0; cycle < 6; ++cycle) {
    // Up to more than a write buffer: the disk fills within a record, a table file, or both.
    const uint64_t most = (cycle % 2 == 0 ? 2 : 40) * kMiB;
    disk_.LeaveRoom(std::uniform_int_distribution<uint64_t>(0, most)(random));
    stored = Fill(**log, stored);
    ExpectEachStepOnce(**log, released, stored);
    disk_.MakeRoom();
    stored = AppendWhenThereIsRoom(**log, stored);
    if (HasFailure()) return;
    const uint64_t kept = 10 * kSteps;
    released = std::max(released, stored - std::min(stored, kept));
    ASSERT_TRUE((*log)->Release(id_.table, released).ok());
  }
  log->reset();
  const auto audited = AuditLog(folder());
  ASSERT_TRUE(audited.ok()) << audited.status();
  EXPECT_THAT(audited->at(0).scan.damage, ::testing::IsEmpty());
  EXPECT_EQ(audited->at(0).scan.end, stored);
  log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  ExpectEachStepOnce(**log, released, stored);
}

// Readers wait for what the disk does not have yet.
TEST_P(FullDiskTest, WhoeverAwaitsDurabilityIsToldOnceThereIsRoom) {
  auto log = Open();
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->CreateTables({spec_}).ok());
  const uint64_t stored = AppendWhenThereIsRoom(**log, 0);
  disk_.LeaveRoom(0);
  Fill(**log, stored);
  std::promise<absl::Status> told;
  const auto done = std::make_shared<const TrajectoryLog::Done>(
      [&](const absl::Status& durable) { told.set_value(durable); });
  (*log)->AwaitDurable(done);
  std::future<absl::Status> durable = told.get_future();
  if (GetParam() == LogSync::kCommit) {
    EXPECT_EQ(durable.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  }
  disk_.MakeRoom();
  ASSERT_EQ(durable.wait_for(std::chrono::seconds(60)), std::future_status::ready);
  EXPECT_TRUE(durable.get().ok());
}

std::string Name(const ::testing::TestParamInfo<LogSync>& mode) {
  switch (mode.param) {
    case LogSync::kCommit:
      return "commit";
    case LogSync::kInterval:
      return "interval";
    case LogSync::kNone:
      return "none";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Modes, FullDiskTest,
                         ::testing::Values(LogSync::kCommit, LogSync::kInterval, LogSync::kNone),
                         Name);

}  // namespace
}  // namespace sr2l
