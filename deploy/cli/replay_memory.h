#ifndef SR2L_DEPLOY_CLI_REPLAY_MEMORY_H_
#define SR2L_DEPLOY_CLI_REPLAY_MEMORY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// How much memory, in MiB, a replay that serves this resolved experiment alone should be
// allowed; 0: its own default is enough. The transitions of ddpg stay in memory.
// InvalidArgument: that is more than `machine_mib`.
absl::StatusOr<uint64_t> ReplayMemoryMib(const v1::ExperimentConfig& config,
                                         uint64_t machine_mib);

// Of this machine.
uint64_t MachineMemoryMib();

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_REPLAY_MEMORY_H_
