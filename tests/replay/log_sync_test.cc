// Syncs of the log that wait or fail: nothing counts as durable, or is learned from, before the
// disk has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_metrics.h"
#include "tests/replay/chunks.h"
#include "tests/replay/disk_syncs.h"
#include "tests/replay/eventually.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kSteps = 8;  // of a chunk, and of a round

class LogSyncTest : public ::testing::TestWithParam<LogSync> {
 protected:
  LogSyncTest() {
    sampled_.set_capacity(256);
    Reopen();
    EXPECT_TRUE(store_->CreateTables({rounds_, sampled_}).ok());
    for (const v1::TableSpec& spec : {rounds_, sampled_}) {
      EXPECT_TRUE(store_->OpenStream(MakeKey(spec, 0), 1).ok());
    }
    EXPECT_TRUE(WhenDurable().get().ok());
  }
  ~LogSyncTest() override { DiskSyncs::Pass(); }

  void Reopen() {
    store_.reset();
    log_.reset();
    auto log = DurableLog::Open({.folder = folder_.path(),
                                 .byte_budget = uint64_t{64} << 20,
                                 .sync = {.mode = GetParam(),
                                          .interval = absl::Milliseconds(5),
                                          .retry = absl::ZeroDuration()}});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    store_ = *ReplayStore::Open(*log_);
  }

  bool commits() const { return GetParam() == LogSync::kCommit; }

  v1::AppendResponse::Outcome Append(const v1::TableSpec& spec, uint64_t round) {
    const ChunkPtr chunk = ShareChunk(spec, {.first_step = round * kSteps, .num_steps = kSteps});
    return store_->Append(chunk, absl::Now())->outcome;
  }

  // What an actor's acknowledgement waits for.
  std::future<absl::Status> WhenDurable() {
    auto told = std::make_shared<std::promise<absl::Status>>();
    store_->WhenDurable([told](const absl::Status& durable) { told->set_value(durable); });
    return told->get_future();
  }

  // What a checkpoint waits for. As long as it is kept nobody else lets the log's callback go.
  struct Synced {
    std::shared_ptr<const TrajectoryLog::Done> done;
    std::future<absl::Status> answer;
  };
  Synced AwaitSync() {
    auto told = std::make_shared<std::promise<absl::Status>>();
    auto done = std::make_shared<const TrajectoryLog::Done>(
        [told](const absl::Status& synced) { told->set_value(synced); });
    store_->AwaitSync(done);
    return {.done = done, .answer = told->get_future()};
  }

  // What the learner waits for: a round, and a sample.
  std::future<absl::Status> Round(uint64_t round) {
    auto told = std::make_shared<std::promise<absl::Status>>();
    store_->WaitForRound({"e", {0}, round},
                         [told](const auto& reader) { told->set_value(reader.status()); });
    return told->get_future();
  }
  std::future<absl::Status> Sample(uint64_t rounds) {
    v1::SampleRequest request;
    request.set_experiment_id("e");
    request.add_members()->set_member(1);
    request.set_up_to_step(rounds * kSteps);
    request.set_num_draws(3);
    auto told = std::make_shared<std::promise<absl::Status>>();
    store_->WaitForSample(request,
                          [told](const auto& reader) { told->set_value(reader.status()); });
    return told->get_future();
  }

  static bool IsTold(const std::future<absl::Status>& answer) {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  // Appends until the log calls that durable, as an actor does.
  void AppendUntilDurable(uint64_t round) {
    absl::Status durable;
    Eventually([&] {
      const auto outcome = Append(rounds_, round);
      durable = WhenDurable().get();
      const bool stored =
          outcome == v1::AppendResponse::STORED || outcome == v1::AppendResponse::DUPLICATE;
      return durable.ok() && stored;
    });
  }

  // That a loss of power now leaves at least so many rounds, and no wrong one.
  void ExpectRoundsAfterPowerCut(uint64_t rounds) const {
    const LogFolder left;
    DiskSyncs::CopyAfterPowerCut(folder_.path(), left.path());
    const auto log = left.Open();
    ASSERT_TRUE(log.ok()) << log.status();
    const StreamId id{{"e", 0}, 0};
    const uint64_t end = (*log)->Describe()->at(0).streams[0].next_step;
    EXPECT_GE(end, rounds * kSteps);
    const auto chunks = *(*log)->Read(id, 0, end);
    ASSERT_EQ(chunks.size() * kSteps, end);
    for (size_t i = 0; i < chunks.size(); ++i) {
      EXPECT_EQ(
          chunks[i]->SerializeAsString(),
          MakeChunk(rounds_, {.first_step = i * kSteps, .num_steps = kSteps}).SerializeAsString());
    }
  }

  double ErrorMetric() {
    prometheus::Registry registry;
    ReplayMetrics metrics(registry);
    metrics.Set(store_->Totals(absl::Now()));
    EXPECT_EQ(metrics.log_full.Value(), 0);
    return metrics.log_errors.Value();
  }

  const v1::TableSpec rounds_ = MakeSpec("e", 0, 1, kSteps);
  v1::TableSpec sampled_ = MakeSpec("e", 1, 1, kSteps);
  const LogFolder folder_;
  std::unique_ptr<DurableLog> log_;
  std::unique_ptr<ReplayStore> store_;
};

TEST_P(LogSyncTest, WithCommitALearnerGetsStepsOnceTheyAreSyncedAndOtherwiseAtOnce) {
  DiskSyncs::Hold();
  std::future<absl::Status> waited = Round(0);  // asked for before there is anything
  ASSERT_EQ(Append(rounds_, 0), v1::AppendResponse::STORED);
  ASSERT_EQ(Append(sampled_, 0), v1::AppendResponse::STORED);
  std::future<absl::Status> acknowledged = WhenDurable();
  std::future<absl::Status> round = Round(0);
  std::future<absl::Status> sample = Sample(1);
  if (GetParam() != LogSync::kNone) Eventually([] { return DiskSyncs::num_held() > 0; });
  for (const auto* answer : {&waited, &acknowledged, &round, &sample}) {
    EXPECT_EQ(IsTold(*answer), !commits());
  }
  DiskSyncs::Pass();
  for (auto* answer : {&waited, &acknowledged, &round, &sample}) {
    EXPECT_TRUE(answer->get().ok());
  }
  if (commits()) ExpectRoundsAfterPowerCut(1);
}

TEST_P(LogSyncTest, WhatASyncFailedForIsDurableOnceItIsWrittenAgain) {
  ASSERT_EQ(Append(rounds_, 0), v1::AppendResponse::STORED);
  ASSERT_TRUE(WhenDurable().get().ok());
  // The WAL's pages are lost, everything else goes well.
  DiskSyncs::Fail(".log");
  ASSERT_EQ(Append(rounds_, 1), v1::AppendResponse::STORED);
  const absl::Status durable = WhenDurable().get();
  std::future<absl::Status> round = Round(1);
  if (GetParam() == LogSync::kNone) {
    EXPECT_TRUE(durable.ok());
    EXPECT_EQ(DiskSyncs::num_failed(), 0);
    return;
  }
  Eventually([] { return DiskSyncs::num_failed() > 0; });
  if (commits()) {
    EXPECT_EQ(durable.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(durable.message()), HasSubstr("Input/output error"));
  } else {
    EXPECT_TRUE(durable.ok());
  }
  Eventually([&] { return ErrorMetric() > 0; });
  EXPECT_EQ(log_->durability(),
            commits() ? v1::AppendResponse::SYNCED : v1::AppendResponse::WRITTEN);
  DiskSyncs::Pass();
  EXPECT_TRUE(round.get().ok());
  Eventually([&] { return log_->health().refusal.empty(); });
  AppendUntilDurable(1);
  ExpectRoundsAfterPowerCut(2);
  AppendUntilDurable(2);
  if (commits()) ExpectRoundsAfterPowerCut(3);
}

TEST_P(LogSyncTest, AsLongAsSyncsFailNothingNewIsCalledSyncedAndItSaysWhy) {
  AppendUntilDurable(0);
  DiskSyncs::Fail();
  for (int failed = 0; failed < 3; failed = DiskSyncs::num_failed()) {
    Append(rounds_, 1);
    EXPECT_EQ(WhenDurable().get().ok(), !commits());
    if (GetParam() == LogSync::kNone) break;
    Eventually([&] { return DiskSyncs::num_failed() > failed; });
    Eventually([&] { return !log_->health().refusal.empty(); });
  }
  std::future<absl::Status> round = Round(1);
  EXPECT_EQ(IsTold(round), !commits());
  if (GetParam() != LogSync::kNone) {
    EXPECT_FALSE(log_->health().full);
    EXPECT_GT(ErrorMetric(), 0);
    EXPECT_THAT(store_->DescribeWait(RoundRequest{"e", {0}, 5}, absl::Now()),
                HasSubstr("Input/output error"));
  }
  DiskSyncs::Pass();
  EXPECT_TRUE(round.get().ok());
  AppendUntilDurable(2);
  if (commits()) ExpectRoundsAfterPowerCut(3);
}

TEST_P(LogSyncTest, ASyncIsAnsweredByOneThatBeganAfterTheCall) {
  DiskSyncs::Hold();
  ASSERT_EQ(Append(rounds_, 0), v1::AppendResponse::STORED);
  Synced first = AwaitSync();
  if (GetParam() == LogSync::kNone) {
    EXPECT_TRUE(IsTold(first.answer));
    EXPECT_EQ(log_->sync_durability(), v1::AppendResponse::WRITTEN);
    return;
  }
  Eventually([] { return DiskSyncs::num_held() > 0; });
  ASSERT_EQ(Append(rounds_, 1), v1::AppendResponse::STORED);
  Synced second = AwaitSync();
  EXPECT_FALSE(IsTold(first.answer));
  EXPECT_FALSE(IsTold(second.answer));
  DiskSyncs::Pass();
  EXPECT_TRUE(first.answer.get().ok());
  EXPECT_TRUE(second.answer.get().ok());
  ExpectRoundsAfterPowerCut(2);
  EXPECT_EQ(log_->sync_durability(), v1::AppendResponse::SYNCED);
}

TEST_P(LogSyncTest, ASyncIsNotAnsweredBeforeTheDiskHasAllThatWasStored) {
  if (GetParam() == LogSync::kNone) return;  // it is at once, see above
  AppendUntilDurable(0);
  DiskSyncs::Fail(".log");
  ASSERT_EQ(Append(rounds_, 1), v1::AppendResponse::STORED);
  Synced waiting = AwaitSync();
  Synced gone = AwaitSync();
  gone.done.reset();
  Eventually([] { return DiskSyncs::num_failed() > 0; });
  Eventually([&] { return !log_->health().refusal.empty(); });
  EXPECT_FALSE(IsTold(waiting.answer));
  DiskSyncs::Pass();
  EXPECT_TRUE(waiting.answer.get().ok());
  ExpectRoundsAfterPowerCut(2);
  EXPECT_THROW(gone.answer.get(), std::future_error);  // its promise is gone, unkept
}

TEST_P(LogSyncTest, WhoeverGoesAwayWhileTheDiskFailsLeavesNothingBehind) {
  AppendUntilDurable(0);
  DiskSyncs::Fail(".log");
  ASSERT_EQ(Append(rounds_, 1), v1::AppendResponse::STORED);
  if (!commits()) return;  // nobody waits
  const auto waiter = std::make_shared<int>();  // as many share it as may still be told
  for (int poll = 0; poll < 100; ++poll) {
    const auto id = store_->WaitForRound({"e", {0}, 1}, [waiter](const auto&) { FAIL(); });
    EXPECT_TRUE(store_->CancelWait(id));
    EXPECT_FALSE(store_->CancelWait(id));
    ASSERT_EQ(waiter.use_count(), 1);
  }
  std::future<absl::Status> stayed = Round(1);
  DiskSyncs::Pass();
  EXPECT_TRUE(stayed.get().ok());
}

// The pages that the system believes to have written outlive the process.
TEST_P(LogSyncTest, AProcessThatEndsAfterAFailedSyncLeavesItToTheNextOneToWriteAgain) {
  AppendUntilDurable(0);
  DiskSyncs::Fail(".log");
  ASSERT_EQ(Append(rounds_, 1), v1::AppendResponse::STORED);
  EXPECT_EQ(WhenDurable().get().ok(), !commits());
  if (GetParam() == LogSync::kInterval) Eventually([] { return DiskSyncs::num_failed() > 0; });
  store_.reset();
  DiskSyncs::Fail();  // nothing is made good at the end
  log_.reset();
  DiskSyncs::Pass();
  Reopen();
  AppendUntilDurable(1);
  if (GetParam() == LogSync::kInterval) {
    Eventually([&] { return log_->health().refusal.empty(); });
  }
  if (commits()) ExpectRoundsAfterPowerCut(2);
}

INSTANTIATE_TEST_SUITE_P(Modes, LogSyncTest,
                         ::testing::Values(LogSync::kCommit, LogSync::kInterval, LogSync::kNone),
                         [](const auto& mode) -> std::string {
                           if (mode.param == LogSync::kCommit) return "commit";
                           return mode.param == LogSync::kInterval ? "interval" : "none";
                         });

}  // namespace
}  // namespace sr2l
