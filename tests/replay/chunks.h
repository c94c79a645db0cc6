#ifndef SR2L_TESTS_REPLAY_CHUNKS_H_
#define SR2L_TESTS_REPLAY_CHUNKS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// O = 3, A = 2.
inline v1::TableSpec MakeSpec(const std::string& experiment_id, uint32_t member,
                              uint32_t num_streams, uint32_t steps_per_round) {
  v1::TableSpec spec;
  spec.set_experiment_id(experiment_id);
  spec.set_member(member);
  spec.set_num_streams(num_streams);
  spec.set_observation_dim(3);
  spec.set_action_dim(2);
  spec.set_steps_per_round(steps_per_round);
  return spec;
}

inline v1::StreamKey MakeKey(const v1::TableSpec& spec, uint32_t stream) {
  v1::StreamKey key;
  key.set_experiment_id(spec.experiment_id());
  key.set_member(spec.member());
  key.set_stream(stream);
  return key;
}

inline void AppendFloat(std::string& column, float value) {
  column.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

struct ChunkPlace {
  uint32_t stream = 0;
  uint64_t first_step = 0;
  uint32_t num_steps = 1;
  uint64_t epoch = 1;
  std::vector<uint32_t> ends = {};  // offsets of steps that terminate an episode, ascending
};

// A valid chunk whose numbers tell its stream and steps.
inline v1::Chunk MakeChunk(const v1::TableSpec& spec, const ChunkPlace& place) {
  v1::Chunk chunk;
  *chunk.mutable_key() = MakeKey(spec, place.stream);
  chunk.set_lease_epoch(place.epoch);
  chunk.set_first_step(place.first_step);
  chunk.set_num_steps(place.num_steps);
  chunk.set_policy_version(place.first_step / spec.steps_per_round());
  chunk.set_first_episode_step(5);
  for (uint32_t step = 0; step <= place.num_steps; ++step) {
    for (uint32_t i = 0; i < spec.observation_dim(); ++i) {
      AppendFloat(*chunk.mutable_observations(),
                  static_cast<float>(1000 * place.stream + place.first_step + step) + 0.1f * i);
    }
  }
  for (uint32_t i = 0; i < place.num_steps * spec.action_dim(); ++i) {
    AppendFloat(*chunk.mutable_actions(), 0.5f);
  }
  for (uint32_t i = 0; i < place.num_steps; ++i) AppendFloat(*chunk.mutable_rewards(), 1.5f);
  chunk.mutable_flags()->assign(place.num_steps, '\0');
  uint32_t episode_step = chunk.first_episode_step();
  uint32_t begin = 0;
  for (const uint32_t end : place.ends) {
    (*chunk.mutable_flags())[end] = 1;
    v1::EpisodeSummary& episode = *chunk.add_episodes();
    episode.set_offset(end);
    episode.set_length(end + 1 - begin + episode_step);
    episode.set_return_(2.5);
    begin = end + 1;
    episode_step = 0;
    for (uint32_t i = 0; i < spec.observation_dim(); ++i) {
      AppendFloat(*chunk.mutable_final_observations(), -1.0f);
    }
  }
  v1::ResumeToken token;
  token.set_next_step(place.first_step + place.num_steps);
  chunk.set_resume_token(token.SerializeAsString());
  return chunk;
}

inline std::shared_ptr<const v1::Chunk> ShareChunk(const v1::TableSpec& spec,
                                                   const ChunkPlace& place) {
  return std::make_shared<const v1::Chunk>(MakeChunk(spec, place));
}

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_CHUNKS_H_
