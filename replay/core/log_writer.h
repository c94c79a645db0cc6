#ifndef SR2L_REPLAY_CORE_LOG_WRITER_H_
#define SR2L_REPLAY_CORE_LOG_WRITER_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/synced_file.h"
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
  // After a failure, between two attempts while the disk has no more room than before.
  absl::Duration retry = absl::Seconds(10);
};

// Owns a log's database, writes to it and syncs it with a thread of its own. When a write fails
// nothing more is taken; the thread then opens the database anew until that goes well, which
// loses nothing that was written. So it does when a compaction meets damage, without further
// compactions: they would meet it again. When a sync fails, so that nobody knows what the disk
// holds, all that is not in table files is written again before anything counts as durable, by the
// next process if this one ends before. Thread-safe.
class LogWriter {
 public:
  using Done = TrajectoryLog::Done;
  using Database = std::unique_ptr<rocksdb::DB>;

  struct Options {
    std::string folder;  // of the database
    LogSyncOptions sync = {};
    // Opens the database again after it was closed, without compactions if it is damaged. Called
    // by the thread alone.
    std::function<absl::StatusOr<Database>(bool damaged)> reopen;
  };

  LogWriter(Database db, Options options);
  // Syncs what was written, ends every wait and closes the database.
  ~LogWriter();

  // What to do while the database makes room for more: a write that comes with every chunk
  // holds its thread for nobody's compaction.
  enum class Stall { kRefuse, kWait };

  // Writes all of the batch or nothing. ResourceExhausted: the disk is full or failed, as the
  // text says, or is behind; what was written before is not lost.
  absl::Status Write(rocksdb::WriteBatch& batch, Stall stall) ABSL_LOCKS_EXCLUDED(db_mu_, mu_);

  // Calls `read` with the database. Unavailable: it is closed for now.
  absl::Status Read(const std::function<void(rocksdb::DB&)>& read) const
      ABSL_LOCKS_EXCLUDED(db_mu_);

  // See the functions of TrajectoryLog. `done` must not wait. With kInterval a caller of AwaitSync
  // does not wait for the end of the interval.
  void WhenDurable(Done done) ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitDurable(const std::shared_ptr<const Done>& done) ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitSync(const std::shared_ptr<const Done>& done) ABSL_LOCKS_EXCLUDED(mu_);

  LogHealth health() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // What went wrong since the log took chunks for the last time.
  enum class Failure {
    kNone,
    kSync,   // the database is as it was, but what the disk holds is not to be trusted
    kWrite,  // the database must be opened anew
    kLost,   // it was, and lacks what was written
  };

  void Run() ABSL_LOCKS_EXCLUDED(db_mu_, mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return closed_ || !waiting_.empty() || (!patient_.empty() && failure_ == Failure::kNone);
  }
  void AddPatient(const std::shared_ptr<const Done>& done) ABSL_LOCKS_EXCLUDED(mu_);
  // How long the thread rests when nobody waits for it.
  absl::Duration Rest() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Makes all that was written so far durable.
  absl::Status Sync() ABSL_LOCKS_EXCLUDED(db_mu_, mu_);
  // Notes how far the disk has the database.
  void NoteSynced() ABSL_LOCKS_EXCLUDED(db_mu_, mu_);
  absl::Status NoteFailure(const absl::Status& cause, Failure failure) ABSL_LOCKS_EXCLUDED(mu_);
  // Why nothing is taken.
  absl::Status Refusal() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Gets the database going again after a failure, if it can.
  void Recover() ABSL_LOCKS_EXCLUDED(db_mu_, mu_);
  absl::Status Reopen(bool damaged) ABSL_EXCLUSIVE_LOCKS_REQUIRED(db_mu_);
  uint64_t Room() const;  // on the disk, bytes; 0: not known
  // Whether Recover may meet with success.
  bool IsWorthTrying() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  // Used by the thread alone.
  SyncedFile synced_file_;
  uint64_t synced_ = 0;                                  // sequence number; 0: unknown
  mutable absl::Mutex db_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // shared by all uses of the database
  Database db_ ABSL_GUARDED_BY(db_mu_);                  // null: closed for now
  uint64_t written_ ABSL_GUARDED_BY(db_mu_) = 0;         // sequence number when it was closed
  mutable absl::Mutex mu_;
  std::vector<Done> waiting_ ABSL_GUARDED_BY(mu_);  // told at the next sync, however it ends
  // Told at the next sync that goes well, those that still wait then.
  std::vector<std::weak_ptr<const Done>> patient_ ABSL_GUARDED_BY(mu_);
  LogHealth health_ ABSL_GUARDED_BY(mu_);
  Failure failure_ ABSL_GUARDED_BY(mu_) = Failure::kNone;
  bool damaged_ ABSL_GUARDED_BY(mu_) = false;         // a compaction met it; stays so
  uint64_t room_to_exceed_ ABSL_GUARDED_BY(mu_) = 0;  // on the disk, bytes, to try again
  absl::Time attempt_ ABSL_GUARDED_BY(mu_);           // the last, or when the failure began
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_LOG_WRITER_H_
