#ifndef SR2L_LEARNER_TRAINING_RESUME_POINT_H_
#define SR2L_LEARNER_TRAINING_RESUME_POINT_H_

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/checkpoint/checkpoint_folder.h"
#include "replay/client/replay_client.h"
#include "sr2l/v1/checkpoint.pb.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// Steps that a stream takes with one policy: its share of a round, or of a cycle.
uint64_t StepsPerStreamRound(const v1::ExperimentConfig& config);

// What the replay has of a member's streams: of each all steps in [begin, end). What was before is
// released.
struct HeldSteps {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::vector<uint64_t> next_steps;  // by stream; end is the least
};
using HeldByMember = std::map<uint32_t, HeldSteps>;

absl::StatusOr<HeldByMember> ReadHeldSteps(ReplayClient& replay, const std::string& experiment_id,
                                           const std::stop_token& stop = {});

// Whether a member can go on from its checkpoint with what the replay has: every step that it
// learned from, and in SYNCHRONOUS collection every later one. DataLoss: it cannot.
absl::Status CheckContinues(const v1::ExperimentConfig& config,
                            const v1::MemberCheckpoint& checkpoint, const HeldByMember& held);

using Checkpoints = std::map<uint32_t, v1::MemberCheckpoint>;  // by member

// Of every member the newest checkpoint that can be read and that the replay continues; none: the
// member begins anew. DataLoss: of some member there is none, nor can it begin anew.
absl::StatusOr<Checkpoints> ReadCheckpoints(const std::string& experiment_id,
                                            const v1::ExperimentConfig& config,
                                            const HeldByMember& held, CheckpointFolder& folder);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_RESUME_POINT_H_
