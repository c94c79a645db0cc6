#include "replay/core/transition_ring.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "common/status/check.h"

namespace sr2l {
namespace {

// The pointer in the ring, and what shared ownership and the allocator add.
constexpr uint64_t kBlockBookkeeping = 48;
constexpr uint64_t kLeastBlockSteps = 32;
constexpr uint64_t kBlocks = 32;  // of a full ring, at least

}  // namespace

uint32_t TransitionRing::BlockSteps(uint64_t capacity) {
  const uint64_t steps =
      std::clamp<uint64_t>(capacity / kBlocks, kLeastBlockSteps, TransitionBlock::kMostSteps);
  return static_cast<uint32_t>(std::bit_floor(steps));
}

TransitionRing::TransitionRing(const TransitionShape& shape, uint64_t capacity, const Start& start)
    : shape_(shape),
      capacity_(capacity),
      block_shift_(std::countr_zero(BlockSteps(capacity))),
      released_step_(start.released_step),
      held_begin_(start.first_step),
      next_step_(start.first_step),
      first_block_(start.first_step >> block_shift_) {}

void TransitionRing::Insert(const v1::Chunk& chunk) {
  SR2L_CHECK(chunk.first_step() == next_step_);
  uint32_t done = 0;
  uint32_t ends = 0;
  while (done < chunk.num_steps()) {
    if (blocks_.empty() || blocks_.back()->is_full()) {
      const uint64_t block_end = (block_of(next_step_) + 1) << block_shift_;
      blocks_.push_back(std::make_shared<TransitionBlock>(
          shape_, next_step_, static_cast<uint32_t>(block_end - next_step_)));
      bytes_ += blocks_.back()->bytes() + kBlockBookkeeping;
    }
    TransitionBlock& block = *blocks_.back();
    bytes_ -= block.bytes();
    const size_t ends_before = block.ends().size();
    const uint32_t count = block.Append(chunk, done, ends);
    bytes_ += block.bytes();
    ends += static_cast<uint32_t>(block.ends().size() - ends_before);
    done += count;
    next_step_ += count;
  }
  num_ends_ += ends;
  const std::string& observations = chunk.observations();
  end_observation_.assign(observations.end() - static_cast<ptrdiff_t>(shape_.observation_bytes()),
                          observations.end());
  Evict();
}

void TransitionRing::Release(uint64_t released_step) {
  released_step_ = std::max(released_step_, released_step);
  Evict();
}

void TransitionRing::Evict() {
  const uint64_t oldest_end = std::min(released_step_, next_step_);
  while (!blocks_.empty() && blocks_.front()->end_step() + capacity_ <= oldest_end) {
    const TransitionBlock& evicted = *blocks_.front();
    bytes_ -= evicted.bytes() + kBlockBookkeeping;
    num_ends_ -= evicted.ends().size();
    held_begin_ = evicted.end_step();
    ++first_block_;
    blocks_.pop_front();
  }
}

uint64_t TransitionRing::begin(uint64_t end) const {
  return std::max(held_begin_, end > capacity_ ? end - capacity_ : 0);
}

absl::StatusOr<StreamContents> TransitionRing::UpTo(uint64_t end) const {
  SR2L_CHECK(end <= next_step_);
  const uint64_t wanted = end > capacity_ ? end - capacity_ : 0;
  if (wanted < held_begin_) {
    return absl::OutOfRangeError(absl::StrCat("steps ", wanted, " to ", end,
                                              " are wanted, but those before ", held_begin_,
                                              " are not held any more"));
  }
  return Contents(wanted, end);
}

StreamContents TransitionRing::Now() const { return Contents(begin(next_step_), next_step_); }

StreamContents TransitionRing::Contents(uint64_t begin, uint64_t end) const {
  StreamContents contents{.begin = begin,
                          .end = end,
                          .first_block = block_of(begin),
                          .blocks = {},
                          .end_observation = {}};
  if (begin == end) return contents;
  const auto first = blocks_.begin() + static_cast<ptrdiff_t>(block_of(begin) - first_block_);
  const auto last = blocks_.begin() + static_cast<ptrdiff_t>(block_of(end - 1) - first_block_);
  contents.blocks.assign(first, last + 1);
  if (end == next_step_) {
    contents.end_observation = end_observation_;
  } else {
    const TransitionBlock& block = BlockAt(end);
    contents.end_observation.assign(block.observation(end - block.first_step()),
                                    shape_.observation_bytes());
  }
  return contents;
}

uint64_t TransitionRing::payload_bytes() const {
  if (blocks_.empty()) return 0;
  const TransitionBlock& first = *blocks_.front();
  const uint64_t ends = num_ends_ - first.CountEndsBefore(begin(next_step_) - first.first_step());
  return transitions() * shape_.step_bytes() + ends * shape_.observation_bytes();
}

}  // namespace sr2l
