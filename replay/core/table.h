#ifndef SR2L_REPLAY_CORE_TABLE_H_
#define SR2L_REPLAY_CORE_TABLE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/limiter.h"
#include "replay/core/stream.h"
#include "replay/core/trajectory_log.h"
#include "replay/core/transition_table.h"

namespace sr2l {

// The streams of one member and the rounds that they have finished. Thread-safe.
class Table {
 public:
  // Goes on with what the log holds, which is borrowed; transitions are read from it. A
  // stream of which the log has lost something is not served. `ring_bytes` counts the memory
  // of all tables' transitions.
  Table(const TableState& state, TrajectoryLog& log,
        std::shared_ptr<std::atomic<uint64_t>> ring_bytes);

  const v1::TableSpec& spec() const { return spec_; }

  // Null without a capacity.
  const TransitionTable* transitions() const { return transitions_.get(); }
  // What the log has lost, for people.
  const std::vector<LogDamage>& damage() const { return damage_; }
  // DataLoss names the first of it.
  absl::Status CheckIntact() const;

  // Null without limits.
  Limiter* limiter() { return limiter_.get(); }
  const Limiter* limiter() const { return limiter_.get(); }

  // InvalidArgument: no such stream. Otherwise as Stream::Open.
  absl::StatusOr<OpenedStream> Open(uint32_t stream, uint64_t epoch);

  // MALFORMED: see ValidateChunk. Otherwise as Stream::Append.
  absl::StatusOr<AppendResult> Append(ChunkPtr chunk, const Arrival& arrival)
      ABSL_LOCKS_EXCLUDED(mu_);

  // True when every stream has stored all steps of the round. OutOfRange: released. DataLoss:
  // the log has lost steps.
  absl::StatusOr<bool> IsComplete(uint64_t round) const ABSL_LOCKS_EXCLUDED(mu_);

  // One stream's chunks of a complete round, in order. OutOfRange: released. NotFound:
  // dropped. DataLoss: the log lacks some of them.
  absl::StatusOr<std::vector<ChunkPtr>> Read(uint32_t stream, uint64_t round) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // FailedPrecondition when round `before_round` - 1 is not complete: it would forget what
  // nobody can have learned from.
  absl::Status CheckRelease(uint64_t before_round) const ABSL_LOCKS_EXCLUDED(mu_);

  // Forgets the rounds before `before_round`. CheckRelease says whether it may.
  absl::Status Release(uint64_t before_round) ABSL_LOCKS_EXCLUDED(mu_);

  // With a capacity, without limits: contents that end before this step of every stream are
  // asked for no more.
  absl::Status ReleaseContents(uint64_t released_step);

  // One text for each stream that has not finished the round, by stream.
  std::vector<std::string> DescribeBehind(uint64_t round, absl::Time now) const;

  // After it returned nothing of this table is written any more.
  void Close();
  // Undoes it.
  void Reopen();

 private:
  // Reads the streams' transitions from the log.
  void Rebuild(const TableState& state);
  std::string DamageOf(uint32_t stream) const;

  // Notes that a stream finished its rounds before `rounds`. True: the table did, too.
  bool FinishRound(uint32_t stream, uint64_t rounds) ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status CheckHeld(uint64_t round) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const v1::TableSpec spec_;
  TrajectoryLog& log_;
  const std::unique_ptr<TransitionTable> transitions_;
  const std::unique_ptr<Limiter> limiter_;
  std::vector<LogDamage> damage_;                 // constant after construction
  std::vector<std::unique_ptr<Stream>> streams_;  // constant after construction
  mutable absl::Mutex mu_;
  std::vector<uint64_t> finished_ ABSL_GUARDED_BY(mu_);  // rounds, by stream
  uint64_t complete_rounds_ ABSL_GUARDED_BY(mu_) = 0;    // least of finished_
  uint64_t released_rounds_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_TABLE_H_
