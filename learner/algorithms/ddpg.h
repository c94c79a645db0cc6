#ifndef SR2L_LEARNER_ALGORITHMS_DDPG_H_
#define SR2L_LEARNER_ALGORITHMS_DDPG_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "learner/algorithms/ddpg_options.h"
#include "learner/algorithms/ddpg_state.h"
#include "learner/algorithms/ddpg_stats.h"
#include "learner/algorithms/ddpg_update.h"
#include "learner/algorithms/transition_block.h"

namespace sr2l {

// DDPG, DDPG-SR-A and DDPG-SR-C (DdpgUpdate has the algorithms) for M members, trained side by
// side.
//
// A member's parameters depend on its seed, radius, coefficient and transitions alone. On the
// CPU this holds to the last bit: members are updated one after another by the same code, in
// a fixed order of summation, and any division of the updates into calls gives the same bits.
// A coefficient of 0 gives the bits of DDPG without smoothness. On a GPU the members of a call
// are one batch.
//
// After a call every parameter is finite: a member for which any quantity was not is put back
// to its state before the call, its count of updates included, and named in the statistics;
// the others are untouched by it. Not thread-safe; different objects may be used by different
// threads at once.
class Ddpg {
 public:
  // `smoothness` absent: plain DDPG without any perturbation; radius and coefficient are then
  // unused. Throws std::invalid_argument naming the option, its value and what is allowed.
  Ddpg(DdpgOptions options, std::optional<DdpgSmoothness> smoothness,
       std::vector<MemberOptions> members, torch::Device device,
       DeviceGraphMaker new_graph = NewDeviceGraph);

  // U updates each of the members [first, first + G), in order. Throws std::invalid_argument
  // when there are no such members, or a shape, dtype or device is not what TransitionBlock
  // says for them.
  DdpgStats Update(int64_t first, const TransitionBlock& block);

  // Copies, on the device; per layer weight [in, out], bias [out].
  torch::Tensor actor_parameters() const;   // [M, P]
  torch::Tensor critic_parameters() const;  // [M, C]
  // Of the members [first, first + count).
  torch::Tensor actor_parameters(int64_t first, int64_t count) const;   // [count, P]
  torch::Tensor critic_parameters(int64_t first, int64_t count) const;  // [count, C]

  // Goes on with these rows of the members only, in this order; their bits do not change.
  void Keep(const std::vector<int64_t>& members);

  const std::vector<MemberOptions>& members() const { return members_; }
  uint64_t updates(int64_t member) const;

  // All that a checkpoint needs besides the options: a copy.
  DdpgState state() const;
  // Continues from a state() of the same options and members.
  void Restore(const DdpgState& state);

 private:
  DdpgState Rows(int64_t first, int64_t count) const;
  void SetState(DdpgState state);
  DdpgStats UpdateGroup(int64_t first, int64_t row, const TransitionBlock& block);
  void CheckBlock(int64_t first, const TransitionBlock& block) const;

  const DdpgOptions options_;
  const std::optional<DdpgSmoothness> smoothness_;
  const torch::Device device_;
  const DeviceGraphMaker new_graph_;
  std::vector<MemberOptions> members_;
  DdpgState state_;
  std::vector<DdpgState> alone_;        // views of state_, one per member
  std::unique_ptr<DdpgUpdate> update_;  // for groups of group_size_
  int64_t group_size_ = 0;
  DdpgState before_;  // a group's, to put a failed member back to
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_DDPG_H_
