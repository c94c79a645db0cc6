#include "replay/core/transition_block.h"

#include <algorithm>

namespace sr2l {
namespace {

constexpr size_t kGrowths = 8;  // of a block until it is full

void Copy(const std::string& column, size_t begin, size_t bytes, std::vector<char>& to) {
  to.insert(to.end(), column.begin() + begin, column.begin() + begin + bytes);
}

}  // namespace

uint32_t TransitionBlock::Append(const v1::Chunk& chunk, uint32_t begin, uint32_t ends) {
  const auto room = static_cast<uint32_t>(most_steps_ - flags_.size());
  const uint32_t count = std::min(room, chunk.num_steps() - begin);
  const std::string& flags = chunk.flags();
  const auto first = flags.begin() + begin;
  const auto new_ends = static_cast<uint32_t>(count - std::count(first, first + count, '\0'));
  const size_t steps_before = flags_.size();
  Reserve(steps_before + count, ends_.size() + new_ends);
  const size_t observation_bytes = shape_.observation_bytes();
  const size_t action_bytes = shape_.action_bytes();
  Copy(chunk.observations(), begin * observation_bytes, count * observation_bytes, observations_);
  Copy(chunk.actions(), begin * action_bytes, count * action_bytes, actions_);
  Copy(chunk.rewards(), begin * size_t{4}, count * size_t{4}, rewards_);
  Copy(flags, begin, count, flags_);
  Copy(chunk.final_observations(), ends * observation_bytes, new_ends * observation_bytes,
       final_observations_);
  for (uint32_t i = ends; i < ends + new_ends; ++i) {
    const v1::EpisodeSummary& episode = chunk.episodes(static_cast<int>(i));
    ends_.push_back({.return_ = episode.return_(),
                     .length = episode.length(),
                     .offset = static_cast<uint16_t>(steps_before + episode.offset() - begin),
                     .diverged = episode.diverged()});
  }
  return count;
}

const char* TransitionBlock::final_observation(size_t offset) const {
  return &final_observations_[CountEndsBefore(offset) * shape_.observation_bytes()];
}

size_t TransitionBlock::CountEndsBefore(size_t offset) const {
  const auto end = std::partition_point(
      ends_.begin(), ends_.end(), [offset](const EpisodeEnd& e) { return e.offset < offset; });
  return static_cast<size_t>(end - ends_.begin());
}

size_t TransitionBlock::bytes() const {
  return sizeof(*this) + observations_.capacity() + actions_.capacity() + rewards_.capacity() +
         flags_.capacity() + final_observations_.capacity() + ends_.capacity() * sizeof(EpisodeEnd);
}

void TransitionBlock::Reserve(size_t steps, size_t ends) {
  if (steps > flags_.capacity()) {
    const size_t growth = std::max<size_t>(1, most_steps_ / kGrowths);
    const size_t room = std::min<size_t>(most_steps_, (steps + growth - 1) / growth * growth);
    observations_.reserve(room * shape_.observation_bytes());
    actions_.reserve(room * shape_.action_bytes());
    rewards_.reserve(room * 4);
    flags_.reserve(room);
  }
  if (ends > ends_.capacity()) {
    const size_t room = ends + ends_.size() / kGrowths;
    ends_.reserve(room);
    final_observations_.reserve(room * shape_.observation_bytes());
  }
}

}  // namespace sr2l
