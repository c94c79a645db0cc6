#ifndef SR2L_TESTS_REPLAY_REPLAY_SERVER_H_
#define SR2L_TESTS_REPLAY_REPLAY_SERVER_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>

#include "common/chunk/chunk_format.h"
#include "common/rpc/server.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_service.h"
#include "tests/common/keep_callback_threads.h"

namespace sr2l {

// A replay server on a Unix socket in a folder of its own. Stop and Start end the server
// and start another one, which knows only what the log kept.
class ReplayServer {
 public:
  // `patience`: see ReplayService.
  explicit ReplayServer(uint64_t byte_budget, absl::Duration patience = WriteGuard::kPatience)
      : patience_(patience), log_(byte_budget), metrics_(registry_) {
    KeepCallbackThreads();
    std::string folder = ::testing::TempDir() + "sr2l-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    Start();
  }
  ~ReplayServer() {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    store_ = *ReplayStore::Open(log_);
    service_ = std::make_unique<ReplayService>(*store_, metrics_, patience_);
    auto server = RpcServer::Start(address(), {}, {service_.get()}, kMaxReplayMessageBytes);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // Cancels what is running at once, as a crash would.
  void Stop() {
    if (server_ != nullptr) server_->Shutdown(absl::ZeroDuration());
    server_.reset();
    service_.reset();
    store_.reset();
  }

  std::shared_ptr<grpc::Channel> Connect() const { return *MakeChannel(address(), {}); }

  std::string address() const { return "unix:" + folder_ + "/replay"; }
  ReplayStore& store() { return *store_; }
  ReplayMetrics& metrics() { return metrics_; }

 private:
  const absl::Duration patience_;
  std::string folder_;
  MemoryLog log_;
  prometheus::Registry registry_;
  ReplayMetrics metrics_;
  std::unique_ptr<ReplayStore> store_;
  std::unique_ptr<ReplayService> service_;
  std::unique_ptr<RpcServer> server_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_REPLAY_SERVER_H_
