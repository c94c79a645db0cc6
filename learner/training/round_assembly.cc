#include "learner/training/round_assembly.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/chunk/chunk_format.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

RoundBatch AllocateBatch(const RoundShape& shape) {
  const int64_t m = static_cast<int64_t>(shape.members.size());
  const int64_t n = shape.streams;
  const int64_t t = shape.steps;
  const auto options = torch::TensorOptions().dtype(torch::kFloat32);
  RoundBatch batch;
  batch.observations = torch::empty({m, n, t, shape.observation_dim}, options);
  batch.next_observations = torch::empty_like(batch.observations);
  batch.actions = torch::empty({m, n, t, shape.action_dim}, options);
  batch.rewards = torch::empty({m, n, t}, options);
  batch.terminated = torch::zeros({m, n, t}, options);
  batch.truncated = torch::zeros({m, n, t}, options);
  batch.episode_step = torch::empty({m, n, t}, options);
  return batch;
}

// Where the steps of one stream lie in the batch's memory.
class StreamWriter {
 public:
  StreamWriter(const RoundShape& shape, RoundBatch& batch, int64_t member, int64_t stream)
      : observation_dim_(shape.observation_dim),
        action_dim_(shape.action_dim),
        first_row_((member * shape.streams + stream) * shape.steps),
        batch_(batch) {}

  // Copies a chunk's T steps to rows offset, offset + 1, ... of the stream.
  absl::Status Write(const v1::Chunk& chunk, int64_t offset) {
    const int64_t steps = chunk.num_steps();
    const size_t row_bytes = observation_dim_ * sizeof(float);
    if (chunk.observations().size() != (steps + 1) * row_bytes ||
        chunk.actions().size() != steps * action_dim_ * sizeof(float) ||
        chunk.rewards().size() != steps * sizeof(float) ||
        chunk.flags().size() != static_cast<size_t>(steps)) {
      return absl::InternalError("a chunk's columns do not have the round's sizes");
    }
    const int64_t row = first_row_ + offset;
    Copy(chunk.observations(), 0, steps * row_bytes, batch_.observations, row * observation_dim_);
    Copy(chunk.observations(), row_bytes, steps * row_bytes, batch_.next_observations,
         row * observation_dim_);
    Copy(chunk.actions(), 0, chunk.actions().size(), batch_.actions, row * action_dim_);
    Copy(chunk.rewards(), 0, chunk.rewards().size(), batch_.rewards, row);
    return WriteEpisodes(chunk, row);
  }

 private:
  static void Copy(const std::string& bytes, size_t first, size_t count, torch::Tensor& tensor,
                   int64_t index) {
    std::memcpy(tensor.data_ptr<float>() + index, bytes.data() + first, count);
  }

  // Flags, time within the episode, and what the last step of an episode led to.
  absl::Status WriteEpisodes(const v1::Chunk& chunk, int64_t row) {
    const size_t row_bytes = observation_dim_ * sizeof(float);
    uint32_t episode_step = chunk.first_episode_step();
    size_t ends = 0;
    for (uint32_t t = 0; t < chunk.num_steps(); ++t, ++row) {
      batch_.episode_step.data_ptr<float>()[row] = static_cast<float>(episode_step++);
      const int flags = chunk.flags()[t];
      if (flags == 0) continue;
      batch_.terminated.data_ptr<float>()[row] = (flags & kTerminatedFlag) != 0 ? 1.0f : 0.0f;
      batch_.truncated.data_ptr<float>()[row] = (flags & kTruncatedFlag) != 0 ? 1.0f : 0.0f;
      if (chunk.final_observations().size() < (ends + 1) * row_bytes) {
        return absl::InternalError("a chunk lacks the final observation of an episode");
      }
      Copy(chunk.final_observations(), ends * row_bytes, row_bytes, batch_.next_observations,
           row * observation_dim_);
      ++ends;
      episode_step = 0;
    }
    return absl::OkStatus();
  }

  const int64_t observation_dim_;
  const int64_t action_dim_;
  const int64_t first_row_;
  RoundBatch& batch_;
};

absl::Status NotCanonical(const v1::Chunk& chunk, uint64_t round) {
  return absl::InternalError(absl::StrCat(
      "the replay sent member ", chunk.key().member(), " stream ", chunk.key().stream(),
      " step ", chunk.first_step(), " out of order in round ", round));
}

}  // namespace

absl::StatusOr<Round> AssembleRound(const std::vector<v1::Chunk>& chunks, uint64_t round,
                                    const RoundShape& shape) {
  Round result{.batch = AllocateBatch(shape), .episodes = {}};
  result.episodes.resize(shape.members.size());
  const uint64_t first_step = round * shape.steps;
  size_t next = 0;
  for (size_t m = 0; m < shape.members.size(); ++m) {
    for (int64_t stream = 0; stream < shape.streams; ++stream) {
      StreamWriter writer(shape, result.batch, static_cast<int64_t>(m), stream);
      for (int64_t offset = 0; offset < shape.steps; ++next) {
        if (next == chunks.size()) {
          return absl::InternalError(absl::StrCat("the replay sent too little of round ", round));
        }
        const v1::Chunk& chunk = chunks[next];
        if (chunk.key().member() != shape.members[m] || chunk.key().stream() != stream ||
            chunk.first_step() != first_step + offset || chunk.policy_version() != round ||
            chunk.num_steps() < 1 || offset + chunk.num_steps() > shape.steps) {
          return NotCanonical(chunk, round);
        }
        SR2L_RETURN_IF_ERROR(writer.Write(chunk, offset));
        result.episodes[m].insert(result.episodes[m].end(), chunk.episodes().begin(),
                                  chunk.episodes().end());
        offset += chunk.num_steps();
      }
    }
  }
  if (next != chunks.size()) {
    return absl::InternalError(absl::StrCat("the replay sent too much of round ", round));
  }
  return result;
}

}  // namespace sr2l
