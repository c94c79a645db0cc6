// With LogSync::kCommit a learner draws from synced steps alone, also where it draws from whatever
// the table holds.
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "replay/core/replay_store.h"
#include "tests/replay/chunks.h"
#include "tests/replay/disk_syncs.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

constexpr uint32_t kSteps = 8;  // of a chunk

class SampleSyncTest : public ::testing::TestWithParam<LogSync> {
 protected:
  SampleSyncTest() : log_(*folder_.Open(GetParam())), store_(*ReplayStore::Open(*log_)) {
    spec_.set_capacity(256);
    spec_.mutable_limits()->set_minimum_size(1);
    spec_.mutable_limits()->set_samples_per_insert(1);
    spec_.mutable_limits()->set_tolerance(100);
    spec_.mutable_limits()->set_samples_per_version(50);
    spec_.mutable_limits()->set_max_staleness(6);
    EXPECT_TRUE(store_->CreateTables({spec_}).ok());
    EXPECT_TRUE(store_->OpenStream(MakeKey(spec_, 0), 1).ok());
  }
  ~SampleSyncTest() override { DiskSyncs::Pass(); }

  void Append(uint64_t first_step) {
    const ChunkPtr chunk = ShareChunk(spec_, {.first_step = first_step, .num_steps = kSteps});
    ASSERT_EQ(store_->Append(chunk, absl::Now())->outcome, v1::AppendResponse::STORED);
  }

  std::future<absl::StatusOr<SampleReader>> Sample() {
    v1::SampleRequest request;
    request.set_experiment_id("e");
    request.add_members()->set_member(0);
    request.set_num_draws(3);
    auto told = std::make_shared<std::promise<absl::StatusOr<SampleReader>>>();
    store_->WaitForSample(request, [told](auto reader) { told->set_value(std::move(reader)); });
    return told->get_future();
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const LogFolder folder_;
  const std::unique_ptr<DurableLog> log_;
  const std::unique_ptr<ReplayStore> store_;
};

TEST_P(SampleSyncTest, StepsThatCameWhileItWaitedForTheDiskAreNotDrawn) {
  Append(0);
  DiskSyncs::Hold();
  std::future<absl::StatusOr<SampleReader>> sample = Sample();
  Append(kSteps);
  DiskSyncs::Pass();
  absl::StatusOr<SampleReader> reader = sample.get();
  ASSERT_TRUE(reader.ok()) << reader.status();
  Append(2 * kSteps);
  v1::SampleResponse part;
  ASSERT_TRUE(*reader->Next(part));
  ASSERT_EQ(part.summary().end_step_size(), 1);
  EXPECT_EQ(part.summary().end_step(0), kSteps);
  ASSERT_TRUE(*reader->Next(part));
  EXPECT_EQ(part.rows().first_draw(), 0);
  EXPECT_FALSE(*reader->Next(part));
}

INSTANTIATE_TEST_SUITE_P(Modes, SampleSyncTest,
                         ::testing::Values(LogSync::kCommit, LogSync::kInterval, LogSync::kNone),
                         [](const auto& mode) {
                           if (mode.param == LogSync::kCommit) return "commit";
                           return mode.param == LogSync::kInterval ? "interval" : "none";
                         });

}  // namespace
}  // namespace sr2l
