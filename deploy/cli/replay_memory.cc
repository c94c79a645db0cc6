#include "deploy/cli/replay_memory.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "replay/core/validate_table.h"

namespace sr2l {
namespace {

constexpr uint64_t kDefaultMib = 2048;  // of sr2l-replay

}  // namespace

absl::StatusOr<uint64_t> ReplayMemoryMib(const v1::ExperimentConfig& config,
                                         uint64_t machine_mib) {
  if (!config.has_ddpg()) return 0;
  v1::TableSpec table;
  table.set_num_streams(config.streams_per_member());
  table.set_observation_dim(config.task().observation_dim());
  table.set_action_dim(config.task().action_dim());
  table.set_capacity(
      std::min(static_cast<uint64_t>(config.ddpg().capacity()),
               static_cast<uint64_t>(config.rounds()) * config.steps_per_round()));
  table.set_steps_per_round(config.ddpg().steps_per_cycle() / config.streams_per_member());
  const uint64_t mib = (RingBytes(table) * config.members().member_size() >> 20) + 1;
  if (mib <= kDefaultMib) return 0;
  if (mib <= machine_mib) return mib;
  return absl::InvalidArgumentError(absl::StrCat(
      "the transitions of ", config.members().member_size(), " members with ddpg.capacity ",
      config.ddpg().capacity(), " take ", mib, " MiB of memory, and this machine has ",
      machine_mib, ": use fewer members or a smaller capacity"));
}

uint64_t MachineMemoryMib() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
             static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) >>
         20;
}

}  // namespace sr2l
