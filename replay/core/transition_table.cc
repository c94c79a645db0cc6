#include "replay/core/transition_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/statistics/statistics_proto.h"

namespace sr2l {
namespace {

constexpr size_t kRowsPerSlice = 256;      // copied under the lock at once
constexpr uint64_t kStepsPerSlice = 4096;  // likewise, for statistics
constexpr int kMostEpisodes = 500000;      // in a summary

void Seal(TableContents& contents) {
  for (const StreamContents& stream : contents.streams) {
    contents.first_position.push_back(contents.size);
    contents.size += stream.size();
  }
}

TransitionShape ShapeOf(const v1::TableSpec& spec) {
  return {.observation_dim = spec.observation_dim(), .action_dim = spec.action_dim()};
}

// Adds the stream's episodes that ended in steps [begin, end). False: too many.
bool AddEpisodes(const StreamContents& stream, uint64_t begin, v1::SampleSummary& summary) {
  for (const auto& block : stream.blocks) {
    if (block->end_step() <= begin) continue;
    for (const EpisodeEnd& end : block->ends()) {
      const uint64_t step = block->first_step() + end.offset;
      if (step < begin || step >= stream.end) continue;
      if (summary.episodes_size() == kMostEpisodes) return false;
      v1::EpisodeSummary& episode = *summary.add_episodes();
      episode.set_length(end.length);
      episode.set_return_(end.return_);
      episode.set_diverged(end.diverged);
    }
  }
  return true;
}

}  // namespace

TransitionTable::TransitionTable(const TableState& state,
                                 std::shared_ptr<std::atomic<uint64_t>> total_bytes)
    : member_(state.spec.member()),
      shape_(ShapeOf(state.spec)),
      most_steps_(MostStreamSteps(state.spec)),
      has_limits_(state.spec.has_limits()),
      block_shift_(std::countr_zero(TransitionRing::BlockSteps(StreamCapacity(state.spec)))),
      total_bytes_(std::move(total_bytes)) {
  for (size_t i = 0; i < state.streams.size(); ++i) {
    TransitionRing::Start start;
    start.first_step = state.kept_begin.empty() ? state.streams[i].next_step : state.kept_begin[i];
    if (!has_limits_) start.released_step = state.released_end;
    rings_.emplace_back(shape_, StreamCapacity(state.spec), start);
  }
}

TransitionTable::~TransitionTable() { *total_bytes_ -= bytes(); }

uint64_t TransitionTable::StreamCapacity(const v1::TableSpec& spec) {
  return (spec.capacity() + spec.num_streams() - 1) / spec.num_streams();
}

uint64_t TransitionTable::MostStreamSteps(const v1::TableSpec& spec) {
  const uint64_t capacity = StreamCapacity(spec);
  const uint64_t margin =
      spec.has_limits() ? 0 : std::max<uint64_t>(capacity / 4, 6 * uint64_t{spec.steps_per_round()});
  return capacity + margin + TransitionRing::BlockSteps(capacity);
}

bool TransitionTable::HasRoom(uint32_t stream, uint32_t num_steps) const {
  if (has_limits_) return true;  // the oldest make room
  absl::ReaderMutexLock lock(&mu_);
  const TransitionRing& ring = rings_[stream];
  return ring.next_step() + num_steps - ring.held_begin() <= most_steps_;
}

void TransitionTable::Release(uint64_t released_step) {
  absl::MutexLock lock(&mu_);
  for (TransitionRing& ring : rings_) {
    const uint64_t bytes_before = ring.bytes();
    ring.Release(released_step);
    *total_bytes_ += ring.bytes() - bytes_before;  // modulo 2^64
  }
}

uint64_t TransitionTable::held_begin(uint32_t stream) const {
  absl::ReaderMutexLock lock(&mu_);
  return rings_[stream].held_begin();
}

void TransitionTable::Insert(uint32_t stream, const v1::Chunk& chunk) {
  absl::MutexLock lock(&mu_);
  TransitionRing& ring = rings_[stream];
  const uint64_t bytes_before = ring.bytes();
  ring.Insert(chunk);
  *total_bytes_ += ring.bytes() - bytes_before;  // modulo 2^64
}

absl::StatusOr<TableContents> TransitionTable::UpTo(uint64_t end_step) const {
  TableContents contents;
  absl::ReaderMutexLock lock(&mu_);
  for (size_t i = 0; i < rings_.size(); ++i) {
    absl::StatusOr<StreamContents> stream = rings_[i].UpTo(end_step);
    if (!stream.ok()) {
      return absl::Status(stream.status().code(), absl::StrCat("member ", member_, " stream ", i,
                                                               ": ", stream.status().message()));
    }
    contents.streams.push_back(*std::move(stream));
  }
  Seal(contents);
  return contents;
}

TableContents TransitionTable::Now() const {
  TableContents contents;
  absl::ReaderMutexLock lock(&mu_);
  for (const TransitionRing& ring : rings_) contents.streams.push_back(ring.Now());
  Seal(contents);
  return contents;
}

TransitionTable::Place TransitionTable::Find(const TableContents& contents,
                                             uint64_t position) const {
  const auto& first = contents.first_position;
  const auto stream = static_cast<size_t>(std::upper_bound(first.begin(), first.end(), position) -
                                          first.begin() - 1);
  const StreamContents& held = contents.streams[stream];
  const uint64_t step = held.begin + (position - first[stream]);
  const TransitionBlock* block = held.blocks[(step >> block_shift_) - held.first_block].get();
  return {.stream = &held, .block = block, .offset = step - block->first_step()};
}

const char* TransitionTable::NextObservation(const Place& place) const {
  const TransitionBlock& block = *place.block;
  if (*block.flags(place.offset) != 0) return block.final_observation(place.offset);
  const uint64_t next = block.first_step() + place.offset + 1;
  if (next == place.stream->end) return place.stream->end_observation.data();
  if (next < block.end_step()) return block.observation(place.offset + 1);
  return place.stream->blocks[(next >> block_shift_) - place.stream->first_block]->observation(0);
}

void TransitionTable::Gather(const TableContents& contents, std::span<const uint64_t> positions,
                             v1::SampledRows& rows) const {
  const size_t count = positions.size();
  rows.mutable_observations()->resize(count * shape_.observation_bytes());
  rows.mutable_actions()->resize(count * shape_.action_bytes());
  rows.mutable_rewards()->resize(count * 4);
  rows.mutable_flags()->resize(count);
  rows.mutable_next_observations()->resize(count * shape_.observation_bytes());
  rows.set_num_rows(static_cast<uint32_t>(count));
  for (size_t first = 0; first < count; first += kRowsPerSlice) {
    CopySlice(contents, positions.subspan(first, std::min(kRowsPerSlice, count - first)), first,
              rows);
  }
}

void TransitionTable::CopySlice(const TableContents& contents, std::span<const uint64_t> positions,
                                size_t first, v1::SampledRows& rows) const {
  const size_t observation_bytes = shape_.observation_bytes();
  const size_t action_bytes = shape_.action_bytes();
  char* observation = rows.mutable_observations()->data() + first * observation_bytes;
  char* next_observation = rows.mutable_next_observations()->data() + first * observation_bytes;
  char* action = rows.mutable_actions()->data() + first * action_bytes;
  char* reward = rows.mutable_rewards()->data() + first * 4;
  char* flags = rows.mutable_flags()->data() + first;
  std::array<Place, kRowsPerSlice> places;
  absl::ReaderMutexLock lock(&mu_);
  // All rows of the slice are on their way from memory before the first is copied.
  for (size_t i = 0; i < positions.size(); ++i) {
    places[i] = Find(contents, positions[i]);
    const TransitionBlock& block = *places[i].block;
    __builtin_prefetch(block.observation(places[i].offset));
    __builtin_prefetch(block.observation(places[i].offset) + observation_bytes);
    __builtin_prefetch(block.action(places[i].offset));
    __builtin_prefetch(block.reward(places[i].offset));
    __builtin_prefetch(block.flags(places[i].offset));
  }
  for (size_t i = 0; i < positions.size(); ++i) {
    const auto& [stream, block, offset] = places[i];
    std::memcpy(observation + i * observation_bytes, block->observation(offset), observation_bytes);
    std::memcpy(next_observation + i * observation_bytes, NextObservation(places[i]),
                observation_bytes);
    std::memcpy(action + i * action_bytes, block->action(offset), action_bytes);
    std::memcpy(reward + i * 4, block->reward(offset), 4);
    flags[i] = *block->flags(offset);
  }
}

absl::Status TransitionTable::Summarize(const TableContents& contents,
                                        std::span<const uint64_t> since_step,
                                        v1::SampleSummary& summary) const {
  const int observation_dim = static_cast<int>(shape_.observation_dim);
  RunningStatistics all(observation_dim);
  std::vector<float> observation(shape_.observation_dim);
  for (size_t i = 0; i < contents.streams.size(); ++i) {
    const StreamContents& stream = contents.streams[i];
    const uint64_t begin = std::max(stream.begin, since_step.empty() ? 0 : since_step[i]);
    RunningStatistics one(observation_dim);
    for (uint64_t slice = begin; slice < stream.end; slice += kStepsPerSlice) {
      absl::ReaderMutexLock lock(&mu_);
      for (uint64_t step = slice; step < std::min(stream.end, slice + kStepsPerSlice); ++step) {
        const TransitionBlock& block = *stream.blocks[(step >> block_shift_) - stream.first_block];
        std::memcpy(observation.data(), block.observation(step - block.first_step()),
                    shape_.observation_bytes());
        one.Add(observation.data());
      }
    }
    all.Merge(one);
    summary.add_end_step(stream.end);
    absl::ReaderMutexLock lock(&mu_);
    if (!AddEpisodes(stream, begin, summary)) {
      return absl::OutOfRangeError(absl::StrCat(
          "members[].since_step: more than ", kMostEpisodes, " episodes of member ", member_,
          " ended since step ", begin, " of stream ", i, ": ask for later steps"));
    }
  }
  *summary.mutable_observations() = ToProto(all);
  return absl::OkStatus();
}

uint64_t TransitionTable::transitions() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t transitions = 0;
  for (const TransitionRing& ring : rings_) transitions += ring.transitions();
  return transitions;
}

uint64_t TransitionTable::payload_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t bytes = 0;
  for (const TransitionRing& ring : rings_) bytes += ring.payload_bytes();
  return bytes;
}

uint64_t TransitionTable::bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  uint64_t bytes = 0;
  for (const TransitionRing& ring : rings_) bytes += ring.bytes();
  return bytes;
}

}  // namespace sr2l
