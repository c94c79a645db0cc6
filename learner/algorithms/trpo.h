#ifndef SR2L_LEARNER_ALGORITHMS_TRPO_H_
#define SR2L_LEARNER_ALGORITHMS_TRPO_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "learner/algorithms/round_batch.h"
#include "learner/algorithms/trpo_options.h"
#include "learner/algorithms/trpo_stats.h"
#include "learner/algorithms/trpo_update.h"
#include "learner/smoothness/smoothness_options.h"

namespace sr2l {

// TRPO and TRPO-SR (TrpoUpdate has the algorithm) for M members, trained side by side.
//
// A member's parameters depend on its seed, radius, coefficient and experience alone. On the
// CPU this holds to the last bit: members are updated one after another by the same code, in
// a fixed order of summation. A coefficient of 0 gives the bits of TRPO without smoothness.
// On a GPU all members are one batch.
//
// After an update every parameter is finite: a member for which any quantity was not is put
// back to its state before the update and named in the statistics; the others are untouched
// by it. Not thread-safe; different objects may be used by different threads at once.
class Trpo {
 public:
  // `smoothness` absent: plain TRPO without any perturbation; radius and coefficient are then
  // unused. Throws std::invalid_argument naming the option, its value and what is allowed.
  Trpo(TrpoOptions options, std::optional<SmoothnessOptions> smoothness,
       std::vector<MemberOptions> members, torch::Device device,
       DeviceGraphMaker new_graph = NewDeviceGraph);

  // Learns from one round of the current policies. Throws std::invalid_argument when a shape,
  // dtype or device is not what RoundBatch says for these members.
  TrpoStats Update(const RoundBatch& batch);

  // Copies, on the device.
  torch::Tensor policy_parameters() const;    // [M, P], per layer weight [in, out], bias [out]
  torch::Tensor log_std() const;              // [M, A], or [M, 1] where sigma is shared
  torch::Tensor baseline_parameters() const;  // [M, V]

  // Goes on with these rows of the members only, in this order; their bits do not change.
  void Keep(const std::vector<int64_t>& members);

  const std::vector<MemberOptions>& members() const { return members_; }
  uint64_t updates() const { return updates_; }

  // All that a checkpoint needs besides the options: a copy.
  TrpoState state() const;
  // Continues from a state() of the same options and members after `updates` updates.
  void Restore(const TrpoState& state, uint64_t updates);

 private:
  // Members that are updated as one batch: [first, first + count).
  struct Group {
    int64_t first = 0;
    int64_t count = 0;
  };

  int64_t GroupSize() const;
  TrpoStats UpdateGroup(const RoundBatch& batch, const Group& group);
  void CheckBatch(const RoundBatch& batch) const;

  const TrpoOptions options_;
  const std::optional<SmoothnessOptions> smoothness_;
  const torch::Device device_;
  const DeviceGraphMaker new_graph_;
  std::vector<MemberOptions> members_;
  TrpoState state_;
  uint64_t updates_ = 0;
  std::unique_ptr<TrpoUpdate> update_;  // for groups of workspace_size_
  UpdateSize workspace_size_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_TRPO_H_
