#ifndef SR2L_REPLAY_CORE_STREAM_H_
#define SR2L_REPLAY_CORE_STREAM_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/limiter.h"
#include "replay/core/trajectory_log.h"
#include "replay/core/transition_table.h"

namespace sr2l {

// What became of a chunk.
struct AppendResult {
  v1::AppendResponse::Outcome outcome = v1::AppendResponse::OUTCOME_UNSPECIFIED;
  uint64_t next_step = 0;          // of the stream: every step before it is stored
  std::string message;             // why it was not stored
  bool completed_round = false;    // it was the last that a round of the table waited for
  bool moved_limits = false;       // what holds the learner of the table may have changed
  double retry_after_seconds = 0;  // with LIMITED
};

// When a chunk came, and with which call: 0, or a number that no other call has.
struct Arrival {
  absl::Time now;
  uint64_t call = 0;
};

// What a stream shares with the others of its table; borrowed.
struct StreamTable {
  TrajectoryLog* log = nullptr;
  TransitionTable* transitions = nullptr;  // null: the table has no capacity
  Limiter* limiter = nullptr;              // null: the table has no limits
};

// A stream as an actor finds it.
struct OpenedStream {
  uint64_t next_step = 0;
  std::string resume_token;  // empty: the stream starts from scratch
  bool fenced = false;       // an actor with an older epoch was locked out
};

// One stream: decides which chunks may be stored, in which order. Thread-safe; its lock
// is held while the log writes, so that two writes of one stream never overlap.
class Stream {
 public:
  struct Progress {
    StreamState state;
    absl::Time last_append;  // InfinitePast: none since the process started
  };

  // `damage` says which of its steps the log has lost; empty: none.
  Stream(StreamId id, const StreamState& state, const StreamTable& table, std::string damage)
      : id_(std::move(id)), table_(table), damage_(std::move(damage)), state_(state) {}

  // Raises the fence to `epoch`, at least 1; the epoch that it has already changes
  // nothing. FailedPrecondition names a newer one. NotFound after Close. DataLoss: damaged.
  absl::StatusOr<OpenedStream> Open(uint64_t epoch) ABSL_LOCKS_EXCLUDED(mu_);

  // Stores a valid chunk that continues the stream. Only the epoch that opened the stream
  // may append: an older one is fenced off, and a newer one must call Open first, so that
  // it starts from what is stored; both are STALE_EPOCH. A chunk of which only a part is
  // stored is MALFORMED; what the limiter refuses is LIMITED or STALE_POLICY. The error
  // status is the log's: nothing is known of the chunk; or DataLoss: the stream is damaged.
  absl::StatusOr<AppendResult> Append(ChunkPtr chunk, const Arrival& arrival)
      ABSL_LOCKS_EXCLUDED(mu_);

  // DataLoss names the steps that the log has lost.
  absl::Status CheckIntact() const;

  Progress progress() const ABSL_LOCKS_EXCLUDED(mu_);

  // After it returned nothing of this stream is written any more.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  // Undoes it.
  void Reopen() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Writes a chunk that continues the stream.
  absl::StatusOr<AppendResult> Write(ChunkPtr chunk, const Arrival& arrival)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  AppendResult Answer(v1::AppendResponse::Outcome outcome, std::string message = "") const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const StreamId id_;
  const StreamTable table_;
  const std::string damage_;
  mutable absl::Mutex mu_;
  StreamState state_ ABSL_GUARDED_BY(mu_);
  absl::Time last_append_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_STREAM_H_
