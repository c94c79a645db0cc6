#ifndef SR2L_REPLAY_CORE_TRANSITION_TABLE_H_
#define SR2L_REPLAY_CORE_TRANSITION_TABLE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "replay/core/trajectory_log.h"
#include "replay/core/transition_ring.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// What can be sampled of a table: positions 0, ..., size - 1 are numbered by stream, then by
// step. Stays as it is whatever the table takes and forgets afterwards.
struct TableContents {
  std::vector<StreamContents> streams;
  std::vector<uint64_t> first_position;  // by stream
  uint64_t size = 0;
};

// The transitions of a table with a capacity, which its streams share equally. Thread-safe;
// the lock is held for copying a chunk or a slice of rows.
class TransitionTable {
 public:
  // `state` is of a table with a capacity; the streams go on at their kept_begin, without it
  // at their next_step. `total_bytes` counts the memory of all tables.
  TransitionTable(const TableState& state, std::shared_ptr<std::atomic<uint64_t>> total_bytes);
  ~TransitionTable();

  // Steps that each stream of the table keeps.
  static uint64_t StreamCapacity(const v1::TableSpec& spec);

  // The most steps of a stream that are held at once. Without limits a margin for contents
  // that were not released yet: a quarter of the capacity, and six rounds in any case.
  static uint64_t MostStreamSteps(const v1::TableSpec& spec);

  // Whether a stream has room for so many more steps.
  bool HasRoom(uint32_t stream, uint32_t num_steps) const ABSL_LOCKS_EXCLUDED(mu_);

  // Without limits: contents that end before this step of every stream are asked for no more.
  void Release(uint64_t released_step) ABSL_LOCKS_EXCLUDED(mu_);

  // The first step that is held of a stream.
  uint64_t held_begin(uint32_t stream) const ABSL_LOCKS_EXCLUDED(mu_);

  // `chunk` is valid and starts at the stream's next step.
  void Insert(uint32_t stream, const v1::Chunk& chunk) ABSL_LOCKS_EXCLUDED(mu_);

  // Every stream's newest steps before `end_step`, which every stream has reached.
  // OutOfRange names the member and the stream that does not hold them any more.
  absl::StatusOr<TableContents> UpTo(uint64_t end_step) const ABSL_LOCKS_EXCLUDED(mu_);
  // What each stream holds now.
  TableContents Now() const ABSL_LOCKS_EXCLUDED(mu_);

  // Sets the columns of `rows` to the transitions at the positions.
  void Gather(const TableContents& contents, std::span<const uint64_t> positions,
              v1::SampledRows& rows) const ABSL_LOCKS_EXCLUDED(mu_);

  // Sets end_step, episodes and observations, of the steps of the contents from
  // `since_step` (by stream; empty: 0) on. OutOfRange: too many episodes for a message.
  absl::Status Summarize(const TableContents& contents, std::span<const uint64_t> since_step,
                         v1::SampleSummary& summary) const ABSL_LOCKS_EXCLUDED(mu_);

  // Transitions that can be sampled now, bytes of their columns, and the memory held.
  uint64_t transitions() const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t payload_bytes() const ABSL_LOCKS_EXCLUDED(mu_);
  uint64_t bytes() const ABSL_LOCKS_EXCLUDED(mu_);

  const TransitionShape& shape() const { return shape_; }

 private:
  struct Place {
    const StreamContents* stream;
    const TransitionBlock* block;
    size_t offset;  // in the block
  };

  Place Find(const TableContents& contents, uint64_t position) const;
  // From which step the transition's successor starts, or what ended its episode.
  const char* NextObservation(const Place& place) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void CopySlice(const TableContents& contents, std::span<const uint64_t> positions, size_t first,
                 v1::SampledRows& rows) const ABSL_LOCKS_EXCLUDED(mu_);

  const uint32_t member_;
  const TransitionShape shape_;
  const uint64_t most_steps_;
  const bool has_limits_;
  const int block_shift_;
  const std::shared_ptr<std::atomic<uint64_t>> total_bytes_;
  mutable absl::Mutex mu_;
  std::vector<TransitionRing> rings_ ABSL_GUARDED_BY(mu_);  // by stream
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_TRANSITION_TABLE_H_
