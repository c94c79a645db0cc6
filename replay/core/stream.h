#ifndef SR2L_REPLAY_CORE_STREAM_H_
#define SR2L_REPLAY_CORE_STREAM_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// What became of a chunk.
struct AppendResult {
  v1::AppendResponse::Outcome outcome = v1::AppendResponse::OUTCOME_UNSPECIFIED;
  uint64_t next_step = 0;       // of the stream: every step before it is stored
  std::string message;          // why it was not stored
  bool completed_round = false; // it was the last that a round of the table waited for
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

  // `log` is borrowed.
  Stream(StreamId id, const StreamState& state, TrajectoryLog& log)
      : id_(std::move(id)), log_(log), state_(state) {}

  // Raises the fence to `epoch`, at least 1; the epoch that it has already changes
  // nothing. FailedPrecondition names a newer one. NotFound after Close.
  absl::StatusOr<OpenedStream> Open(uint64_t epoch) ABSL_LOCKS_EXCLUDED(mu_);

  // Stores a valid chunk that continues the stream. Only the epoch that opened the stream
  // may append: an older one is fenced off, and a newer one must call Open first, so that
  // it starts from what is stored; both are STALE_EPOCH. A chunk of which only a part is
  // stored is MALFORMED. The error status is the log's: nothing is known of the chunk.
  absl::StatusOr<AppendResult> Append(ChunkPtr chunk, absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

  Progress progress() const ABSL_LOCKS_EXCLUDED(mu_);

  // After it returned nothing of this stream is written any more.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  AppendResult Answer(v1::AppendResponse::Outcome outcome, std::string message = "") const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const StreamId id_;
  TrajectoryLog& log_;
  mutable absl::Mutex mu_;
  StreamState state_ ABSL_GUARDED_BY(mu_);
  absl::Time last_append_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_STREAM_H_
