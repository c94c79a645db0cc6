#ifndef SR2L_TESTS_REPLAY_RANDOM_STREAMS_H_
#define SR2L_TESTS_REPLAY_RANDOM_STREAMS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "common/random/philox.h"
#include "tests/replay/chunks.h"

namespace sr2l {

// A transition as plain numbers, and the episode's end if it is the last.
struct PlainTransition {
  std::vector<float> observation;
  std::vector<float> action;
  float reward = 0;
  uint8_t flags = 0;
  std::vector<float> next_observation;
  v1::EpisodeSummary episode;  // with a flag
};

// The steps of one stream, in full: random numbers, episodes of random lengths that end by
// either flag or by both. A function of (seed, stream).
inline std::vector<PlainTransition> MakeSteps(const v1::TableSpec& spec, uint64_t seed,
                                              uint32_t stream, size_t count, double mean_length) {
  const Philox random(seed, Purpose::kJitter, stream);
  const auto numbers = [&](uint64_t index, uint32_t lane, size_t size) {
    std::vector<float> out(size);
    for (size_t i = 0; i < size; ++i) {
      out[i] =
          static_cast<float>(10 * stream + random.Normal(index, lane + static_cast<uint32_t>(i)));
    }
    return out;
  };
  std::vector<PlainTransition> steps(count);
  uint32_t length = 0;
  std::vector<float> observation = numbers(0, 0, spec.observation_dim());
  for (size_t t = 0; t < count; ++t) {
    PlainTransition& step = steps[t];
    step.observation = observation;
    step.action = numbers(t, 1000, spec.action_dim());
    step.reward = numbers(t, 2000, 1)[0];
    ++length;
    if (random.Uniform(t, 3000) < 1 / mean_length) {
      step.flags = static_cast<uint8_t>(1 + 3 * random.Uniform(t, 3001));
      step.episode.set_length(length);
      step.episode.set_return_(random.Normal(t, 3002));
      step.episode.set_diverged(step.flags == 3);
      length = 0;
    }
    step.next_observation = numbers(t + 1, 0, spec.observation_dim());
    // What the episode ended with is not where the next one starts.
    observation =
        step.flags == 0 ? step.next_observation : numbers(t + 1, 4000, spec.observation_dim());
  }
  return steps;
}

inline void AppendFloats(std::string& column, const std::vector<float>& values) {
  for (const float value : values) AppendFloat(column, value);
}

// Steps [first, first + count) of a stream as a chunk; `next_start` is where the step after
// them starts.
inline v1::Chunk CutChunk(const v1::TableSpec& spec, uint32_t stream,
                          const std::vector<PlainTransition>& steps, uint64_t first,
                          uint32_t count) {
  v1::Chunk chunk;
  *chunk.mutable_key() = MakeKey(spec, stream);
  chunk.set_lease_epoch(1);
  chunk.set_first_step(first);
  chunk.set_num_steps(count);
  chunk.set_policy_version(first / spec.steps_per_round());
  uint32_t before = 0;
  while (before < first && steps[first - before - 1].flags == 0) ++before;
  chunk.set_first_episode_step(before);
  for (uint64_t t = first; t < first + count; ++t) {
    const PlainTransition& step = steps[t];
    AppendFloats(*chunk.mutable_observations(), step.observation);
    AppendFloats(*chunk.mutable_actions(), step.action);
    AppendFloat(*chunk.mutable_rewards(), step.reward);
    chunk.mutable_flags()->push_back(static_cast<char>(step.flags));
    if (step.flags == 0) continue;
    AppendFloats(*chunk.mutable_final_observations(), step.next_observation);
    v1::EpisodeSummary& episode = *chunk.add_episodes();
    episode = step.episode;
    episode.set_offset(static_cast<uint32_t>(t - first));
  }
  const PlainTransition& last = steps[first + count - 1];
  AppendFloats(*chunk.mutable_observations(), first + count < steps.size()
                                                  ? steps[first + count].observation
                                                  : last.next_observation);
  chunk.set_resume_token("token");
  return chunk;
}

// Chunks of random lengths, none across a round, that hold steps [first, end).
inline std::vector<v1::Chunk> CutChunks(const v1::TableSpec& spec, uint32_t stream,
                                        const std::vector<PlainTransition>& steps, uint64_t first,
                                        uint64_t end, uint64_t seed) {
  const Philox random(seed, Purpose::kJitter, stream);
  std::vector<v1::Chunk> chunks;
  while (first < end) {
    const uint64_t round_left = spec.steps_per_round() - first % spec.steps_per_round();
    const auto wanted = static_cast<uint64_t>(1 + 60 * random.Uniform(first, 0));
    const auto count = static_cast<uint32_t>(std::min({round_left, wanted, end - first}));
    chunks.push_back(CutChunk(spec, stream, steps, first, count));
    first += count;
  }
  return chunks;
}

// Row `index` of the columns.
inline PlainTransition RowOf(const v1::TableSpec& spec, const v1::SampledRows& rows, size_t index) {
  const auto read = [index](const std::string& column, size_t size) {
    std::vector<float> values(size);
    std::memcpy(values.data(), column.data() + 4 * size * index, 4 * size);
    return values;
  };
  PlainTransition row;
  row.observation = read(rows.observations(), spec.observation_dim());
  row.action = read(rows.actions(), spec.action_dim());
  row.reward = read(rows.rewards(), 1)[0];
  row.flags = static_cast<uint8_t>(rows.flags()[index]);
  row.next_observation = read(rows.next_observations(), spec.observation_dim());
  return row;
}

inline bool SameRow(const PlainTransition& a, const PlainTransition& b) {
  return a.observation == b.observation && a.action == b.action && a.reward == b.reward &&
         a.flags == b.flags && a.next_observation == b.next_observation;
}

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_RANDOM_STREAMS_H_
