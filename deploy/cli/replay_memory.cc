#include "deploy/cli/replay_memory.h"

#include <algorithm>

namespace sr2l {
namespace {

constexpr uint64_t kDefaultMib = 2048;  // of sr2l-replay
constexpr uint64_t kRestMib = 256;      // chunks on their way, tokens

}  // namespace

uint64_t ReplayMemoryMib(const v1::ExperimentConfig& config) {
  if (!config.has_ddpg()) return 0;
  const uint64_t steps =
      std::min(static_cast<uint64_t>(config.ddpg().capacity()),
               static_cast<uint64_t>(config.rounds()) * config.steps_per_round());
  // Observation, action, reward and flags of a step.
  const uint64_t step_bytes =
      4 * static_cast<uint64_t>(config.task().observation_dim() + config.task().action_dim()) + 5;
  const uint64_t columns = steps * step_bytes * config.members().member_size();
  // Half as much again: what the replay sets aside beyond the columns.
  const uint64_t mib = columns / 2 * 3 / (1 << 20) + kRestMib;
  return mib > kDefaultMib ? mib : 0;
}

}  // namespace sr2l
