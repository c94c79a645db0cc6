// An audit of a log that a replay writes to meanwhile.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "replay/core/audit_log.h"
#include "tests/replay/chunks.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

// A pipe in the place of SYNCED: whoever reads it finds that the log was synced just now, with a
// chunk more than before. The log itself goes on with its own file, moved aside.
class SyncedPipe {
 public:
  explicit SyncedPipe(const LogFolder& folder)
      : path_(folder.path() + "/SYNCED"),
        aside_(folder.root() + "/SYNCED"),
        log_(*folder.Open(LogSync::kCommit)) {
    std::signal(SIGPIPE, SIG_IGN);  // of a reader that is gone
    EXPECT_TRUE(log_->CreateTables({spec_}).ok());
    Append();
    std::filesystem::rename(path_, aside_);
    EXPECT_EQ(mkfifo(path_.c_str(), 0600), 0);
    thread_ = std::thread([this] { Serve(); });
  }
  ~SyncedPipe() {
    closed_ = true;
    const int pipe = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);  // lets it go
    thread_.join();
    close(pipe);
  }

  int num_read() const { return num_read_; }

 private:
  void Serve() {
    while (true) {
      const int pipe = open(path_.c_str(), O_WRONLY | O_CLOEXEC);  // waits for a reader
      if (!closed_) {
        Append();
        std::ifstream file(aside_, std::ios::binary);
        const std::string mark{std::istreambuf_iterator<char>(file), {}};
        if (write(pipe, mark.data(), mark.size()) > 0) ++num_read_;
      }
      close(pipe);
      if (closed_) return;
    }
  }

  // Returns when the chunk is synced and the mark says so.
  void Append() {
    EXPECT_TRUE(log_->Append({{"e", 0}, 0}, ShareChunk(spec_, {.first_step = step_++})).ok());
    std::promise<absl::Status> told;
    log_->WhenDurable([&told](const absl::Status& durable) { told.set_value(durable); });
    EXPECT_TRUE(told.get_future().get().ok());
  }

  const v1::TableSpec spec_ = MakeSpec("e", 0, 1, 1);
  const std::string path_;
  const std::string aside_;
  const std::unique_ptr<DurableLog> log_;
  uint64_t step_ = 0;
  std::atomic<bool> closed_ = false;
  std::atomic<int> num_read_ = 0;
  std::thread thread_;
};

TEST(LiveAuditTest, WhatTheLogTookSinceTheAuditBeganIsNoLoss) {
  const LogFolder folder;
  const SyncedPipe pipe(folder);
  const auto streams = AuditLog(folder.path());
  ASSERT_TRUE(streams.ok()) << streams.status();
  ASSERT_EQ(streams->size(), 1U);
  EXPECT_TRUE(streams->at(0).whole());
  EXPECT_GE(pipe.num_read(), 1);
}

}  // namespace
}  // namespace sr2l
