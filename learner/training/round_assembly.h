#ifndef SR2L_LEARNER_TRAINING_ROUND_ASSEMBLY_H_
#define SR2L_LEARNER_TRAINING_ROUND_ASSEMBLY_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/algorithms/round_batch.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// The shape of one round. Member i of the round is `members[i]` of the experiment.
struct RoundShape {
  std::vector<uint32_t> members;  // ascending
  int64_t streams = 0;            // N, of each member
  int64_t steps = 0;              // T, of each stream
  int64_t observation_dim = 0;    // O
  int64_t action_dim = 0;         // A
};

// A round as the learner reads it: tensors on the CPU, and the episodes that ended.
struct Round {
  RoundBatch batch;                                      // [M, N, T, ...]
  std::vector<std::vector<v1::EpisodeSummary>> episodes;  // by member
};

// Puts the chunks of round `round`, in canonical order (member, stream, step), into
// tensors. Internal when they are not exactly that round: the replay promised it.
absl::StatusOr<Round> AssembleRound(const std::vector<v1::Chunk>& chunks, uint64_t round,
                                    const RoundShape& shape);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_ROUND_ASSEMBLY_H_
