#ifndef SR2L_LEARNER_TRAINING_SAMPLED_BLOCK_H_
#define SR2L_LEARNER_TRAINING_SAMPLED_BLOCK_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "learner/algorithms/transition_block.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// What one Sample call brought: for each of its G members, in the request's order, what
// happened in the table, and K drawn transitions, on the CPU. K may be 0.
struct SampledBlock {
  std::vector<v1::SampleSummary> summaries;  // [G]
  TransitionBlock transitions;               // [G, K, ...]
};

// Puts the parts of a Sample call together as they come. Not thread-safe.
class SampleAssembly {
 public:
  // O observation_dim, A action_dim.
  SampleAssembly(const v1::SampleRequest& request, int64_t observation_dim, int64_t action_dim);

  // Internal when the part is not the one that comes next: the replay promised it.
  absl::Status Add(const v1::SampleResponse& part);

  // Internal when parts are missing.
  absl::StatusOr<SampledBlock> Finish();

 private:
  absl::Status AddSummary(const v1::SampleSummary& summary);
  absl::Status AddRows(const v1::SampledRows& rows);
  // Whether all rows of the newest member are here.
  bool complete() const { return block_.summaries.empty() || rows_ == num_draws_; }

  const std::vector<uint32_t> members_;
  const uint64_t first_draw_;
  const int64_t num_draws_;
  const int64_t observation_dim_;
  const int64_t action_dim_;
  SampledBlock block_;
  int64_t rows_ = 0;  // of the newest member
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_SAMPLED_BLOCK_H_
