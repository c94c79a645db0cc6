#ifndef SR2L_REPLAY_CORE_DURABLE_LOG_H_
#define SR2L_REPLAY_CORE_DURABLE_LOG_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "replay/core/log_format.h"
#include "replay/core/log_scan.h"
#include "replay/core/log_writer.h"
#include "replay/core/memory_log.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// A trajectory log in a folder: chunk, resume token and counters of a stream are one record
// that is there as a whole or not at all, and outlives the process; the loss of power as
// LogSyncOptions say. With LogSync::kCommit readers get a round, or the steps up to one that they
// name, only once all of it is synced (AwaitDurable), so that nothing is learned from that a loss
// of power takes back; with the other modes, and what is newest, at once. Chunks of tables without
// a capacity are held in memory, too, and served from there. Thread-safe.
class DurableLog final : public TrajectoryLog {
 public:
  struct Options {
    std::string folder;        // created if it is absent
    uint64_t byte_budget = 0;  // as MemoryLog's
    LogSyncOptions sync = {};
    size_t write_buffer_bytes = kWriteBufferBytes;  // records gathered for a table file
  };

  // Reads and checks all that the log holds. What is damaged is told by Describe and in the
  // process' log; the rest is served. An error names what keeps the log from being opened:
  // another process has it, a file of it is missing, or it ends before what was synced.
  static absl::StatusOr<std::unique_ptr<DurableLog>> Open(const Options& options);

  absl::Status CreateTables(const std::vector<v1::TableSpec>& specs) override;
  absl::StatusOr<std::vector<TableState>> Describe() const override;
  absl::Status Fence(const StreamId& id, uint64_t epoch) override;
  absl::Status Append(const StreamId& id, ChunkPtr chunk) override;
  absl::StatusOr<std::string> ReadToken(const StreamId& id) const override {
    return memory_.ReadToken(id);
  }
  absl::StatusOr<std::vector<ChunkPtr>> Read(const StreamId& id, uint64_t first_step,
                                             uint64_t end_step) const override {
    return memory_.Read(id, first_step, end_step);
  }
  absl::Status ReadKept(const StreamId& id,
                        const std::function<void(const ChunkPtr&)>& take) const override;
  // OK also when the disk does not take it: then a crash may bring chunks back until the next
  // Release, which does no harm.
  absl::Status Release(const TableId& id, uint64_t end_step) override
      ABSL_LOCKS_EXCLUDED(record_mu_, mu_);
  void Forget(const StreamId& id, uint64_t begin_step) override;
  absl::Status SetLimits(const std::vector<TableId>& ids, const v1::TableLimits& limits) override
      ABSL_LOCKS_EXCLUDED(record_mu_, mu_);
  absl::Status Drop(const std::string& experiment_id) override ABSL_LOCKS_EXCLUDED(record_mu_, mu_);
  uint64_t bytes() const override { return memory_.bytes(); }
  uint64_t byte_budget() const override { return memory_.byte_budget(); }
  uint64_t set_aside_bytes() const override { return memory_.set_aside_bytes(); }
  v1::AppendResponse::Durability durability() const override;
  v1::AppendResponse::Durability sync_durability() const override;
  void Acknowledge(v1::AppendResponse& response) const override;
  void WhenDurable(Done done) override { writer_->WhenDurable(std::move(done)); }
  void AwaitDurable(const std::shared_ptr<const Done>& done) override {
    writer_->AwaitDurable(done);
  }
  void AwaitSync(const std::shared_ptr<const Done>& done) override { writer_->AwaitSync(done); }
  LogHealth health() const override { return writer_->health(); }

 private:
  // What is on disk of a stream.
  struct Stream {
    StreamState state;
    uint64_t appended_steps = 0;
    std::deque<uint64_t> chunk_starts;  // first steps, ascending
    uint64_t forget_before = 0;         // steps that nobody needs
  };
  struct Table {
    uint64_t number = 0;
    TableRecord record;  // as it is on disk
    std::vector<Stream> streams;
    std::vector<LogDamage> damage;
  };

  explicit DurableLog(const Options& options);

  // Takes up what the database holds.
  absl::Status Restore(rocksdb::DB& db);
  void RestoreTable(rocksdb::DB& db, const StoredTable& stored) ABSL_LOCKS_EXCLUDED(mu_);
  // Tells of damage; whether there is any.
  bool ReportDamage() const ABSL_LOCKS_EXCLUDED(mu_);

  // How many of the stream's chunks, from the first on, its next one deletes.
  static size_t CountForgotten(const Table& table, const Stream& stream);

  // Null: no such stream, no such table.
  Stream* Find(const StreamId& id) ABSL_SHARED_LOCKS_REQUIRED(mu_);
  uint64_t NumberOf(const TableId& id) const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return tables_.find(id)->second.number;
  }

  const Options options_;
  MemoryLog memory_;
  std::unique_ptr<LogWriter> writer_;  // owns the database
  // Held from the making of a table's record until it is written: they are written in the order
  // in which they were made, and none after the one that says that the table ended.
  absl::Mutex record_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  mutable absl::Mutex mu_;  // never held while the database writes
  std::map<TableId, Table> tables_ ABSL_GUARDED_BY(mu_);
  uint64_t next_number_ ABSL_GUARDED_BY(mu_) = 1;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_DURABLE_LOG_H_
