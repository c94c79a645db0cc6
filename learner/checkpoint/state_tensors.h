#ifndef SR2L_LEARNER_CHECKPOINT_STATE_TENSORS_H_
#define SR2L_LEARNER_CHECKPOINT_STATE_TENSORS_H_

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "learner/algorithms/ddpg_state.h"
#include "learner/algorithms/trpo_update.h"
#include "sr2l/v1/checkpoint.pb.h"

namespace sr2l {

// The tensors of an algorithm's state under the names that they have in a checkpoint. The
// first dimension of each is the member.
using StateTensors = std::vector<std::pair<std::string, torch::Tensor*>>;

StateTensors TensorsOf(TrpoState& state);
StateTensors TensorsOf(DdpgState& state);

// Appends one member's row of every tensor that is defined.
void SaveRow(const StateTensors& tensors, int64_t row, v1::MemberCheckpoint& member);

// Writes a member's row of every tensor, all of which have their final shape already. DataLoss
// names a tensor that is missing, or whose type or size differs.
absl::Status LoadRow(const v1::MemberCheckpoint& member, int64_t row,
                     const StateTensors& tensors);

}  // namespace sr2l

#endif  // SR2L_LEARNER_CHECKPOINT_STATE_TENSORS_H_
