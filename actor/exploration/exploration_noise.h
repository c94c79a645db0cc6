#ifndef SR2L_ACTOR_EXPLORATION_EXPLORATION_NOISE_H_
#define SR2L_ACTOR_EXPLORATION_EXPLORATION_NOISE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "actor/exploration/noise_process.h"
#include "common/random/philox.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// The noise of one stream with a deterministic policy. A step's noise is the state after
// the step's own draw: the state evolves first and is added then, so that the first action
// of an episode is explored too. A pure function of the process, the random numbers and
// the steps since the episode started. Not thread-safe. A action_dim.
class ExplorationNoise {
 public:
  // Without a process there is no noise and no state. Step t draws lanes 0 to A-1 of
  // index t of `random`.
  ExplorationNoise(std::optional<NoiseProcess> process, const Philox& random, int action_dim);

  // An episode starts: x = 0.
  void Reset();

  // Evolves the noise to `step`, adds it to `action` [A] and clips the sum to [-1, 1]. To
  // be called once for each step, in order.
  void Explore(uint64_t step, float* action);

  // The noise' part of a resume token: one number per action, or none without a process.
  // DataLoss, changing nothing, when the token's are not so many, or not finite.
  void Save(v1::ResumeToken& token) const;
  absl::Status Restore(const v1::ResumeToken& token);

 private:
  const std::optional<NoiseProcess> process_;
  const Philox random_;
  const int action_dim_;
  std::vector<double> state_;    // [A], x; empty without a process
  std::vector<double> normals_;  // [A], of the newest step
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_EXPLORATION_EXPLORATION_NOISE_H_
