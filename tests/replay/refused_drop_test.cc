// An experiment whose end the log does not take.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

// Keeps everything in memory and drops nothing as long as its disk is full.
class FullLog final : public TrajectoryLog {
 public:
  bool full = false;

  absl::Status CreateTables(const std::vector<v1::TableSpec>& specs) override {
    return log_.CreateTables(specs);
  }
  absl::StatusOr<std::vector<TableState>> Describe() const override { return log_.Describe(); }
  absl::Status Fence(const StreamId& id, uint64_t epoch) override { return log_.Fence(id, epoch); }
  absl::Status Append(const StreamId& id, ChunkPtr chunk) override {
    return log_.Append(id, std::move(chunk));
  }
  absl::StatusOr<std::string> ReadToken(const StreamId& id) const override {
    return log_.ReadToken(id);
  }
  absl::StatusOr<std::vector<ChunkPtr>> Read(const StreamId& id, uint64_t first_step,
                                             uint64_t end_step) const override {
    return log_.Read(id, first_step, end_step);
  }
  absl::Status Release(const TableId& id, uint64_t end_step) override {
    return log_.Release(id, end_step);
  }
  absl::Status SetLimits(const std::vector<TableId>& ids, const v1::TableLimits& limits) override {
    return log_.SetLimits(ids, limits);
  }
  absl::Status Drop(const std::string& experiment_id) override {
    if (full) return absl::ResourceExhaustedError("the disk of the log is full");
    return log_.Drop(experiment_id);
  }
  uint64_t bytes() const override { return log_.bytes(); }
  uint64_t byte_budget() const override { return log_.byte_budget(); }
  uint64_t set_aside_bytes() const override { return log_.set_aside_bytes(); }

 private:
  MemoryLog log_{uint64_t{64} << 20};
};

TEST(RefusedDropTest, TheExperimentGoesOnUntilTheLogTakesItsEnd) {
  FullLog log;
  const std::unique_ptr<ReplayStore> store = *ReplayStore::Open(log);
  const v1::TableSpec spec = MakeSpec("e", 0, 1, 8);
  ASSERT_EQ(store->CreateTables({spec, MakeSpec("f", 0, 1, 8)}), absl::OkStatus());
  ASSERT_TRUE(store->OpenStream(MakeKey(spec, 0), 1).ok());
  std::optional<absl::Status> ended;
  store->WaitForRound({.experiment_id = "e", .members = {0}, .round = 1},
                      [&](const auto& reader) { ended = reader.status(); });
  log.full = true;
  EXPECT_EQ(store->DropExperiment("e").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(ended.has_value());
  EXPECT_EQ(store->Append(ShareChunk(spec, {.num_steps = 8}), absl::UnixEpoch())->outcome,
            v1::AppendResponse::STORED);
  EXPECT_EQ(store->Describe("e")->tables_size(), 1);
  EXPECT_GT(store->bytes(), 0);
  log.full = false;
  EXPECT_EQ(store->DropExperiment("e"), absl::OkStatus());
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(store->bytes(), 0);
  EXPECT_EQ(store->Describe("e")->tables_size(), 0);
  EXPECT_EQ(store->Describe("")->tables_size(), 1);
}

}  // namespace
}  // namespace sr2l
