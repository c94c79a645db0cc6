#ifndef SR2L_TESTS_LEARNER_ALGORITHMS_MEMBER_TRANSITIONS_H_
#define SR2L_TESTS_LEARNER_ALGORITHMS_MEMBER_TRANSITIONS_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <vector>

#include "learner/algorithms/ddpg_options.h"
#include "learner/algorithms/transition_block.h"

namespace sr2l {

struct TransitionSize {
  int64_t count, observations, actions;
};

template <typename Function>
TransitionBlock MapBlock(const TransitionBlock& block, const Function& function) {
  return {.observations = function(block.observations),
          .actions = function(block.actions),
          .rewards = function(block.rewards),
          .next_observations = function(block.next_observations),
          .terminated = function(block.terminated),
          .truncated = function(block.truncated)};
}

// Transitions of one member, a pure function of (member, index); some end an episode. The best
// first action is the first observation.
inline TransitionBlock MemberTransitions(const TransitionSize& size, uint64_t member,
                                         uint64_t index) {
  torch::manual_seed(100 * member + index);
  TransitionBlock block;
  block.observations = torch::randn({1, size.count, size.observations});
  block.actions = 2 * torch::rand({1, size.count, size.actions}) - 1;
  block.rewards = -(block.actions.select(2, 0) - block.observations.select(2, 0)).square();
  block.next_observations = block.observations + 0.3 * torch::randn_like(block.observations);
  block.terminated = (torch::rand({1, size.count}) < 0.2).to(torch::kFloat32);
  block.truncated = (torch::rand({1, size.count}) < 0.2).to(torch::kFloat32);
  return block;
}

// The members' transitions, stacked.
inline TransitionBlock Transitions(const TransitionSize& size, const std::vector<uint64_t>& members,
                                   uint64_t index) {
  TransitionBlock all = MemberTransitions(size, members[0], index);
  for (size_t m = 1; m < members.size(); ++m) {
    const TransitionBlock next = MemberTransitions(size, members[m], index);
    all = {.observations = torch::cat({all.observations, next.observations}),
           .actions = torch::cat({all.actions, next.actions}),
           .rewards = torch::cat({all.rewards, next.rewards}),
           .next_observations = torch::cat({all.next_observations, next.next_observations}),
           .terminated = torch::cat({all.terminated, next.terminated}),
           .truncated = torch::cat({all.truncated, next.truncated})};
  }
  return all;
}

// Three observations, two actions, sixteen transitions per update.
inline DdpgOptions SmallDdpgOptions() {
  DdpgOptions options;
  options.batch_size = 16;
  options.actor.inputs = 3;
  options.actor.hidden = {8, 7};
  options.actor.outputs = 2;
  options.critic.inputs = 5;
  options.critic.hidden = {9, 8};
  return options;
}

}  // namespace sr2l

#endif  // SR2L_TESTS_LEARNER_ALGORITHMS_MEMBER_TRANSITIONS_H_
