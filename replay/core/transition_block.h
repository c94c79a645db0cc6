#ifndef SR2L_REPLAY_CORE_TRANSITION_BLOCK_H_
#define SR2L_REPLAY_CORE_TRANSITION_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// Sizes of a step's columns.
struct TransitionShape {
  uint32_t observation_dim = 0;
  uint32_t action_dim = 0;

  size_t observation_bytes() const { return size_t{4} * observation_dim; }
  size_t action_bytes() const { return size_t{4} * action_dim; }
  // Observation, action, reward and flags of a step.
  size_t step_bytes() const { return observation_bytes() + action_bytes() + 4 + 1; }
};

// The end of an episode.
struct EpisodeEnd {
  double return_ = 0;
  uint32_t length = 0;  // steps
  uint16_t offset = 0;  // of its last step in the block
  bool diverged = false;
};

// Consecutive steps of one stream as columns, each observation once; what a step with a
// flag led to is kept aside. Columns are float32 as they came. Not thread-safe: pointers
// hold until the next Append.
class TransitionBlock {
 public:
  static constexpr uint32_t kMostSteps = 1024;

  // Room for `most_steps` <= kMostSteps, taken as they come.
  TransitionBlock(const TransitionShape& shape, uint64_t first_step, uint32_t most_steps)
      : shape_(shape), first_step_(first_step), most_steps_(most_steps) {}

  // Appends as many of a chunk's steps from `begin` on as there is room for, and returns
  // their number. `ends` counts the chunk's steps with a flag before `begin`.
  uint32_t Append(const v1::Chunk& chunk, uint32_t begin, uint32_t ends);

  uint64_t first_step() const { return first_step_; }
  uint64_t end_step() const { return first_step_ + flags_.size(); }
  bool is_full() const { return flags_.size() == most_steps_; }

  // Of the step first_step + offset.
  const char* observation(size_t offset) const {
    return &observations_[offset * shape_.observation_bytes()];
  }
  const char* action(size_t offset) const { return &actions_[offset * shape_.action_bytes()]; }
  const char* reward(size_t offset) const { return &rewards_[offset * 4]; }
  const char* flags(size_t offset) const { return &flags_[offset]; }
  // Only of a step with a flag.
  const char* final_observation(size_t offset) const;

  // By offset.
  const std::vector<EpisodeEnd>& ends() const { return ends_; }
  // How many of them lie before the offset.
  size_t CountEndsBefore(size_t offset) const;

  // Memory that the block takes.
  size_t bytes() const;

 private:
  // Makes room for `steps` steps, and no more than a few beyond them.
  void Reserve(size_t steps, size_t ends);

  TransitionShape shape_;
  uint64_t first_step_;
  uint32_t most_steps_;
  std::vector<char> observations_;        // [steps x O]
  std::vector<char> actions_;             // [steps x A]
  std::vector<char> rewards_;             // [steps]
  std::vector<char> flags_;               // [steps], a byte each
  std::vector<char> final_observations_;  // [ends x O]
  std::vector<EpisodeEnd> ends_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_TRANSITION_BLOCK_H_
