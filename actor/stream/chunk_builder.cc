#include "actor/stream/chunk_builder.h"

#include <bit>
#include <string>
#include <utility>

#include "common/chunk/chunk_format.h"
#include "common/status/check.h"

namespace sr2l {
namespace {

static_assert(std::endian::native == std::endian::little, "columns are little-endian");

}  // namespace

void ChunkBuilder::Append(const float* values, size_t count, std::string& column) {
  column.append(reinterpret_cast<const char*>(values), count * sizeof(float));
  bytes_ += count * sizeof(float);
}

void ChunkBuilder::BeginStep(const std::vector<float>& observation, const float* action,
                             int action_dim) {
  Append(observation.data(), observation.size(), *chunk_.mutable_observations());
  Append(action, static_cast<size_t>(action_dim), *chunk_.mutable_actions());
}

void ChunkBuilder::EndStep(const StepResult& result) {
  const float reward = static_cast<float>(result.reward);
  Append(&reward, 1, *chunk_.mutable_rewards());
  chunk_.mutable_flags()->push_back(static_cast<char>(
      (result.terminated ? kTerminatedFlag : 0) | (result.truncated ? kTruncatedFlag : 0)));
  ++bytes_;
  chunk_.set_num_steps(chunk_.num_steps() + 1);
}

void ChunkBuilder::EndEpisode(const std::vector<float>& final_observation, const StepResult& result,
                              uint32_t length, double episode_return) {
  Append(final_observation.data(), final_observation.size(), *chunk_.mutable_final_observations());
  v1::EpisodeSummary& episode = *chunk_.add_episodes();
  episode.set_offset(chunk_.num_steps() - 1);
  episode.set_length(length);
  episode.set_return_(episode_return);
  if (result.diverged) episode.set_diverged(true);
}

v1::Chunk ChunkBuilder::Take(const std::vector<float>& next_observation) {
  SR2L_CHECK(chunk_.num_steps() > 0);
  Append(next_observation.data(), next_observation.size(), *chunk_.mutable_observations());
  bytes_ = 0;
  return std::exchange(chunk_, v1::Chunk());
}

}  // namespace sr2l
