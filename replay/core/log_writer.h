#ifndef SR2L_REPLAY_CORE_LOG_WRITER_H_
#define SR2L_REPLAY_CORE_LOG_WRITER_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// When what was written reaches the disk. In every mode the operating system has it at once.
enum class LogSync {
  kCommit,    // before it counts as durable; what waits together is synced together
  kInterval,  // a moment later
  kNone,      // when the operating system likes
};

struct LogSyncOptions {
  LogSync mode = LogSync::kInterval;
  absl::Duration interval = absl::Milliseconds(100);  // with kInterval
};

// Writes to a log's database and syncs it with a thread of its own, which also gets the
// database going again after the disk was full. A small file beside the database, SYNCED, says
// how far the disk has it, so that a log that lost some of that is known when it is opened.
// Thread-safe.
class LogWriter {
 public:
  using Done = std::function<void(const absl::Status&)>;

  // `db` is borrowed; `folder` is its folder. DataLoss: the database ends before what was
  // synced.
  static absl::Status CheckSynced(rocksdb::DB& db, const std::string& folder);

  LogWriter(rocksdb::DB& db, const std::string& folder, const LogSyncOptions& options);
  // Syncs what was written, and ends every wait.
  ~LogWriter();

  // What to do while the database makes room for more: a write that comes with every chunk
  // holds its thread for nobody's compaction.
  enum class Stall { kRefuse, kWait };

  // Writes all of the batch or nothing. ResourceExhausted: the disk is full or failed, as the
  // text says, or is behind; what was written before is not lost.
  absl::Status Write(rocksdb::WriteBatch& batch, Stall stall) ABSL_LOCKS_EXCLUDED(mu_);

  // See TrajectoryLog::WhenDurable. `done` must not wait.
  void WhenDurable(Done done) ABSL_LOCKS_EXCLUDED(mu_);

  LogHealth health() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return closed_ || !waiting_.empty(); }
  // How long the thread rests when nobody waits for it.
  absl::Duration Rest() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Makes all that was written so far durable.
  absl::Status Sync() ABSL_LOCKS_EXCLUDED(mu_);
  void NoteSynced(uint64_t sequence);
  absl::Status NoteFailure(const rocksdb::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // Brings the database back after a write or a sync failed, if it can.
  void Resume() ABSL_LOCKS_EXCLUDED(mu_);

  rocksdb::DB& db_;
  const std::string folder_;
  const LogSyncOptions options_;
  const int synced_file_;    // -1: it cannot be opened
  uint64_t synced_ = 0;      // sequence number; used by the thread alone
  mutable absl::Mutex mu_;
  std::vector<Done> waiting_ ABSL_GUARDED_BY(mu_);
  LogHealth health_ ABSL_GUARDED_BY(mu_);
  bool failed_ ABSL_GUARDED_BY(mu_) = false;  // and was not brought back since
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_LOG_WRITER_H_
