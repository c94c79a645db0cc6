// Sync calls to a server with a log, while syncs of the disk wait or fail.
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "common/rpc/server.h"
#include "replay/client/replay_client.h"
#include "replay/service/replay_service.h"
#include "tests/common/keep_callback_threads.h"
#include "tests/replay/chunks.h"
#include "tests/replay/disk_syncs.h"
#include "tests/replay/eventually.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

constexpr uint32_t kSteps = 8;
constexpr absl::Duration kLong = absl::Seconds(60);

using Answer = absl::StatusOr<v1::AppendResponse::Durability>;

class SyncServiceTest : public ::testing::TestWithParam<LogSync> {
 protected:
  SyncServiceTest() {
    KeepCallbackThreads();
    service_ = std::make_unique<ReplayService>(*store_, metrics_);
    auto server = RpcServer::Start("unix:" + folder_.root() + "/replay", {}, {service_.get()});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    client_ = *ReplayClient::Create(server_->address(), {});
    EXPECT_EQ(client_->CreateTables({spec_}), absl::OkStatus());
    EXPECT_TRUE(store_->OpenStream(MakeKey(spec_, 0), 1).ok());
  }
  ~SyncServiceTest() override {
    DiskSyncs::Pass();
    if (server_ != nullptr) server_->Shutdown(absl::ZeroDuration());
    server_.reset();
    service_.reset();
  }

  bool syncs() const { return GetParam() != LogSync::kNone; }

  void Store(uint64_t chunk) {
    const ChunkPtr stored = ShareChunk(spec_, {.first_step = chunk * kSteps, .num_steps = kSteps});
    ASSERT_EQ(store_->Append(stored, absl::Now())->outcome, v1::AppendResponse::STORED);
  }

  std::future<Answer> Sync(absl::Duration timeout) {
    return std::async(std::launch::async, [this, timeout] { return client_->Sync(timeout); });
  }

  // How far the stream is known to have come after a loss of power.
  uint64_t EndAfterPowerCut() const {
    const LogFolder left;
    DiskSyncs::CopyAfterPowerCut(folder_.path(), left.path());
    const auto log = left.Open();
    EXPECT_TRUE(log.ok()) << log.status();
    return log.ok() ? (*log)->Describe()->at(0).streams[0].next_step : 0;
  }

  // Sends one chunk as an actor does.
  v1::AppendResponse Send(uint64_t chunk) const {
    const auto stub = v1::Replay::NewStub(*MakeChannel(server_->address(), {}));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kLong));
    const auto stream = stub->Append(&context);
    v1::AppendRequest request;
    *request.mutable_chunk() =
        MakeChunk(spec_, {.first_step = chunk * kSteps, .num_steps = kSteps});
    EXPECT_TRUE(stream->Write(request));
    v1::AppendResponse answer;
    EXPECT_TRUE(stream->Read(&answer));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return answer;
  }

  const LogFolder folder_;
  const v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const std::unique_ptr<DurableLog> log_ = *folder_.Open(GetParam());
  const std::unique_ptr<ReplayStore> store_ = *ReplayStore::Open(*log_);
  prometheus::Registry registry_;
  ReplayMetrics metrics_{registry_};
  std::unique_ptr<ReplayService> service_;
  std::unique_ptr<RpcServer> server_;
  std::unique_ptr<ReplayClient> client_;
};

TEST_P(SyncServiceTest, TheAnswerComesOnceTheDiskHasAllThatWasStored) {
  DiskSyncs::Hold();
  Store(0);
  std::future<Answer> waiting = Sync(kLong);
  if (syncs()) {
    Eventually([] { return DiskSyncs::num_held() > 0; });
    EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    DiskSyncs::Pass();
  }
  const Answer answer = waiting.get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, syncs() ? v1::AppendResponse::SYNCED : v1::AppendResponse::WRITTEN);
  if (syncs()) {
    EXPECT_EQ(EndAfterPowerCut(), kSteps);
  }
}

TEST_P(SyncServiceTest, AsLongAsTheDiskFailsThereIsNoAnswerBeforeTheDeadline) {
  DiskSyncs::Fail(".log");
  Store(0);
  const Answer answer = client_->Sync(absl::Milliseconds(300));
  if (syncs()) {
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(answer.status().message(), "the replay's log was not synced within 300ms");
  } else {
    EXPECT_TRUE(answer.ok()) << answer.status();
  }
  std::future<Answer> patient = Sync(kLong);
  DiskSyncs::Pass();
  EXPECT_TRUE(patient.get().ok());
  if (syncs()) {
    EXPECT_EQ(EndAfterPowerCut(), kSteps);
  }
}

TEST_P(SyncServiceTest, CallsThatAreCancelledLeaveTheOthersAlone) {
  DiskSyncs::Hold();
  Store(0);
  std::future<Answer> patient = Sync(kLong);
  const auto stub = v1::Replay::NewStub(*MakeChannel(server_->address(), {}));
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kLong));
    std::jthread canceller([&context] { context.TryCancel(); });
    v1::SyncResponse response;
    const grpc::Status status = stub->Sync(&context, {}, &response);
    // Without syncs the answer may come first.
    if (syncs()) {
      EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
    }
  }
  DiskSyncs::Pass();
  EXPECT_TRUE(patient.get().ok());
  EXPECT_TRUE(client_->Sync(kLong).ok());
}

TEST_P(SyncServiceTest, AnAcknowledgementSaysWhenTheStepsReachTheDisk) {
  const auto said = [](LogSync mode) {
    if (mode == LogSync::kCommit) return v1::AppendResponse::LOG_SYNC_COMMIT;
    return mode == LogSync::kInterval ? v1::AppendResponse::LOG_SYNC_INTERVAL
                                      : v1::AppendResponse::LOG_SYNC_NONE;
  };
  for (const auto outcome : {v1::AppendResponse::STORED, v1::AppendResponse::DUPLICATE}) {
    const v1::AppendResponse answer = Send(0);
    EXPECT_EQ(answer.outcome(), outcome);
    EXPECT_EQ(answer.log_sync(), said(GetParam()));
    EXPECT_EQ(answer.has_log_sync_interval_ms(), GetParam() == LogSync::kInterval);
    EXPECT_EQ(answer.log_sync_interval_ms(), GetParam() == LogSync::kInterval ? 5 : 0);
  }
  const v1::AppendResponse refused = Send(7);
  EXPECT_EQ(refused.outcome(), v1::AppendResponse::GAP);
  EXPECT_FALSE(refused.has_log_sync());
  if (GetParam() != LogSync::kCommit) return;
  DiskSyncs::Fail(".log");
  const v1::AppendResponse not_synced = Send(1);
  EXPECT_EQ(not_synced.outcome(), v1::AppendResponse::FULL);
  EXPECT_FALSE(not_synced.has_log_sync());
}

TEST_P(SyncServiceTest, AServerThatStopsEndsTheCallsThatWait) {
  DiskSyncs::Hold();
  Store(0);
  std::future<Answer> waiting = Sync(kLong);
  if (syncs()) {
    Eventually([] { return DiskSyncs::num_held() > 0; });
  }
  server_->Shutdown(absl::ZeroDuration());
  const Answer answer = waiting.get();
  if (syncs()) {
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, SyncServiceTest,
                         ::testing::Values(LogSync::kCommit, LogSync::kInterval, LogSync::kNone),
                         [](const auto& mode) -> std::string {
                           if (mode.param == LogSync::kCommit) return "commit";
                           return mode.param == LogSync::kInterval ? "interval" : "none";
                         });

}  // namespace
}  // namespace sr2l
