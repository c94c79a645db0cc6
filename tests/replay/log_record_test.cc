// Records of one table that are made at the same time: the log keeps the newest.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/replay/chunks.h"
#include "tests/replay/disk_syncs.h"
#include "tests/replay/eventually.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

constexpr uint32_t kSteps = 8;  // of a chunk, and of a round

class LogRecordTest : public ::testing::Test {
 protected:
  LogRecordTest() {
    EXPECT_TRUE(log_->CreateTables({spec_}).ok());
    EXPECT_TRUE(log_->Fence({id_, 0}, 1).ok());
  }
  ~LogRecordTest() override { DiskSyncs::Pass(); }

  void Append(uint64_t round) {
    const ChunkPtr chunk = ShareChunk(spec_, {.first_step = round * kSteps, .num_steps = kSteps});
    ASSERT_TRUE(log_->Append({id_, 0}, chunk).ok());
  }

  // Until Pass no write comes to the database: it makes good a sync that failed.
  void HoldWrites() {
    DiskSyncs::Fail(".log");
    Append(next_round_++);
    Eventually([&] { return !log_->health().refusal.empty(); });
    DiskSyncs::Hold();
    Eventually([] { return DiskSyncs::num_held() > 0; });
  }

  // Begins the call on a thread of its own, and returns when that waits for something.
  std::future<absl::Status> Begin(std::function<absl::Status()> call) {
    std::promise<std::string> told;
    std::future<std::string> status_file = told.get_future();
    auto answer = std::async(std::launch::async, [&told, call = std::move(call)] {
      told.set_value(absl::StrCat("/proc/self/task/", gettid(), "/stat"));
      return call();
    });
    const std::string path = status_file.get();
    Eventually([&path] {
      std::string stat;
      std::getline(std::ifstream(path), stat);
      return stat.find(") S ") != std::string::npos;
    });
    return answer;
  }

  const LogFolder folder_;
  const v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const TableId id_{"e", 0};
  std::unique_ptr<DurableLog> log_ = *folder_.Open();
  uint64_t next_round_ = 0;
};

TEST_F(LogRecordTest, AReleaseBesideADropDoesNotBringTheTableBack) {
  HoldWrites();
  auto dropped = Begin([&] { return log_->Drop("e"); });
  auto released = Begin([&] { return log_->Release(id_, kSteps); });
  DiskSyncs::Pass();
  EXPECT_TRUE(dropped.get().ok());
  released.get().IgnoreError();
  log_.reset();
  const auto log = folder_.Open();
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_TRUE((*log)->Describe()->empty());
}

// As when a client lost its patience and released the next rounds.
TEST_F(LogRecordTest, OfReleasesAtTheSameTimeTheFurthestCounts) {
  constexpr uint64_t kReleases = 12;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const uint64_t first = next_round_;
    while (next_round_ < first + kReleases) Append(next_round_++);
    HoldWrites();
    std::vector<std::future<absl::Status>> released;
    for (uint64_t round = first + 1; round <= first + kReleases; ++round) {
      released.push_back(Begin([&, round] { return log_->Release(id_, round * kSteps); }));
    }
    DiskSyncs::Pass();
    for (auto& release : released) EXPECT_TRUE(release.get().ok());
    log_.reset();
    auto log = folder_.Open();
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    const TableState state = log_->Describe()->at(0);
    EXPECT_TRUE(state.damage.empty()) << ToText(state.damage.at(0));
    EXPECT_EQ(state.released_end, (first + kReleases) * kSteps);
  }
}

}  // namespace
}  // namespace sr2l
