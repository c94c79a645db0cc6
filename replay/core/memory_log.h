#ifndef SR2L_REPLAY_CORE_MEMORY_LOG_H_
#define SR2L_REPLAY_CORE_MEMORY_LOG_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// A trajectory log in memory: what it holds ends with the process. Chunks are shared,
// never copied. Thread-safe; the lock is held for pointer moves only.
class MemoryLog final : public TrajectoryLog {
 public:
  // `byte_budget`: the most that chunks (as encoded) and resume tokens may take together.
  explicit MemoryLog(uint64_t byte_budget) : byte_budget_(byte_budget) {}

  absl::Status CreateTables(const std::vector<v1::TableSpec>& specs) override;
  absl::StatusOr<std::vector<TableState>> Describe() const override;
  absl::Status Fence(const StreamId& id, uint64_t epoch) override;
  absl::Status Append(const StreamId& id, ChunkPtr chunk) override;

  // Append in two parts, for a log that also writes elsewhere: Reserve makes room as Append
  // does and can fail as it does; then either Publish or GiveBack follows for the same chunk.
  absl::Status Reserve(const StreamId& id, const v1::Chunk& chunk);
  void Publish(const StreamId& id, ChunkPtr chunk);
  void GiveBack(const StreamId& id, const v1::Chunk& chunk);

  // Takes up what another log holds, within the budget or not: first a table, with its streams'
  // resume tokens, then the chunks of each stream in order.
  void RestoreTable(const TableState& state, const std::vector<std::string>& tokens);
  void RestoreChunk(const StreamId& id, ChunkPtr chunk);

  absl::StatusOr<std::string> ReadToken(const StreamId& id) const override;
  absl::StatusOr<std::vector<ChunkPtr>> Read(const StreamId& id, uint64_t first_step,
                                             uint64_t end_step) const override;
  absl::Status Release(const TableId& id, uint64_t end_step) override;
  absl::Status SetLimits(const std::vector<TableId>& ids, const v1::TableLimits& limits) override;
  absl::Status Drop(const std::string& experiment_id) override;
  uint64_t bytes() const override;
  uint64_t set_aside_bytes() const override;
  uint64_t byte_budget() const override { return byte_budget_; }

 private:
  struct HeldChunk {
    ChunkPtr chunk;
    uint64_t bytes = 0;
  };
  struct Stream {
    StreamState state;
    std::shared_ptr<const std::string> resume_token;  // null: no step yet
    std::deque<HeldChunk> chunks;                     // by first_step, without gaps
  };
  struct Table {
    v1::TableSpec spec;
    uint64_t released_end = 0;
    uint64_t bytes = 0;
    std::vector<Stream> streams;
  };

  // What a chunk adds to the bytes held; the token that it replaces is not taken off.
  static uint64_t AddedBytes(const Table& table, const v1::Chunk& chunk);
  // What a token counts: with a capacity its first bytes are set aside.
  static uint64_t TokenBytes(const Table& table, size_t token_size);
  static uint64_t TokenBytes(const Table& table, const Stream& stream) {
    return stream.resume_token ? TokenBytes(table, stream.resume_token->size()) : 0;
  }

  // Null: no such stream.
  const Stream* Find(const StreamId& id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const uint64_t byte_budget_;
  mutable absl::Mutex mu_;
  std::map<TableId, Table> tables_ ABSL_GUARDED_BY(mu_);
  uint64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t set_aside_ ABSL_GUARDED_BY(mu_) = 0;  // of the budget, for tables with a capacity
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_MEMORY_LOG_H_
