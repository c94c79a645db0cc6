#ifndef SR2L_ACTOR_STREAM_CHUNK_BUILDER_H_
#define SR2L_ACTOR_STREAM_CHUNK_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "actor/environment/environment.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// A chunk's columns while they grow, step by step. Not thread-safe. O observation_dim, A
// action_dim.
class ChunkBuilder {
 public:
  // How many bytes of columns make a chunk worth sending.
  static constexpr size_t kFullBytes = 128 * 1024;

  int num_steps() const { return static_cast<int>(chunk_.num_steps()); }
  bool is_full() const { return bytes_ >= kFullBytes; }

  // A step is about to be taken with `action` [A] at `observation` [O].
  void BeginStep(const std::vector<float>& observation, const float* action, int action_dim);

  // It led to `result`.
  void EndStep(const StepResult& result);

  // It also ended an episode of `length` steps, at `final_observation` [O].
  void EndEpisode(const std::vector<float>& final_observation, const StepResult& result,
                  uint32_t length, double episode_return);

  // The chunk, whose next step starts at `next_observation` [O]; the builder is empty then.
  // Needs a step. Key, epoch, position and resume token are the caller's.
  v1::Chunk Take(const std::vector<float>& next_observation);

 private:
  void Append(const float* values, size_t count, std::string& column);

  v1::Chunk chunk_;
  size_t bytes_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_STREAM_CHUNK_BUILDER_H_
