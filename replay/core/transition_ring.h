#ifndef SR2L_REPLAY_CORE_TRANSITION_RING_H_
#define SR2L_REPLAY_CORE_TRANSITION_RING_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "replay/core/transition_block.h"

namespace sr2l {

// What can be sampled of a stream: its steps [begin, end). Keeps its blocks alive.
struct StreamContents {
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t first_block = 0;  // number of blocks[0]
  std::vector<std::shared_ptr<const TransitionBlock>> blocks;
  std::string end_observation;  // from which step `end` starts; empty: there are no steps

  uint64_t size() const { return end - begin; }
};

// The newest steps of one stream, at least `capacity` of them once there were so many, in
// blocks that are forgotten as a whole once no contents that may still be asked for need them.
// What it holds does not depend on how the steps came in chunks. Not thread-safe; blocks that a
// StreamContents keeps still grow with Insert.
class TransitionRing {
 public:
  // For `released_step`: only the newest contents are ever asked for.
  static constexpr uint64_t kNewestOnly = std::numeric_limits<uint64_t>::max();

  struct Start {
    uint64_t first_step = 0;               // of the first chunk
    uint64_t released_step = kNewestOnly;  // see Release
  };

  // `capacity` >= 1 steps.
  TransitionRing(const TransitionShape& shape, uint64_t capacity, const Start& start);

  // `chunk` is valid and starts at next_step().
  void Insert(const v1::Chunk& chunk);

  // Contents that end before this step are asked for no more. Never goes back.
  void Release(uint64_t released_step);

  uint64_t next_step() const { return next_step_; }
  uint64_t held_begin() const { return held_begin_; }

  // The newest steps before `end` <= next_step(), as many as the capacity holds. OutOfRange:
  // some of them are not held any more.
  absl::StatusOr<StreamContents> UpTo(uint64_t end) const;
  // The newest steps that are held, at most the capacity.
  StreamContents Now() const;

  // Steps that can be sampled now, and the bytes of their columns.
  uint64_t transitions() const { return next_step_ - begin(next_step_); }
  uint64_t payload_bytes() const;
  // Memory held.
  uint64_t bytes() const { return bytes_; }

  // The block that holds a step, as a number.
  uint64_t block_of(uint64_t step) const { return step >> block_shift_; }
  int block_shift() const { return block_shift_; }

  // Steps of a block in a ring of this capacity: few against the capacity, a power of two.
  static uint32_t BlockSteps(uint64_t capacity);

 private:
  // First step of the contents that end at `end`.
  uint64_t begin(uint64_t end) const;
  StreamContents Contents(uint64_t begin, uint64_t end) const;
  const TransitionBlock& BlockAt(uint64_t step) const {
    return *blocks_[block_of(step) - first_block_];
  }
  void Evict();

  const TransitionShape shape_;
  const uint64_t capacity_;
  const int block_shift_;
  uint64_t released_step_;
  uint64_t held_begin_;  // first step of the first block
  uint64_t next_step_;
  uint64_t first_block_;  // number of blocks_[0]
  std::deque<std::shared_ptr<TransitionBlock>> blocks_;
  std::string end_observation_;  // from which the next step starts
  uint64_t num_ends_ = 0;        // of episodes, in all blocks
  uint64_t bytes_ = 0;           // of the blocks
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_TRANSITION_RING_H_
