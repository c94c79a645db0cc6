#ifndef SR2L_DEPLOY_CLI_REPLAY_MEMORY_H_
#define SR2L_DEPLOY_CLI_REPLAY_MEMORY_H_

#include <cstdint>

#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// How much memory, in MiB, a replay that serves this resolved experiment alone should be
// allowed; 0: its own default is enough. Transitions of ddpg stay in memory.
uint64_t ReplayMemoryMib(const v1::ExperimentConfig& config);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_REPLAY_MEMORY_H_
