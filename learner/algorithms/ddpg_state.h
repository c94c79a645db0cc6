#ifndef SR2L_LEARNER_ALGORITHMS_DDPG_STATE_H_
#define SR2L_LEARNER_ALGORITHMS_DDPG_STATE_H_

#include <torch/types.h>

#include "learner/nn/adam.h"

namespace sr2l {

// Everything that M members have learned: one flat tensor per network and per moment of an
// optimizer.
struct DdpgState {
  torch::Tensor actor;          // [M, P], theta
  torch::Tensor critic;         // [M, C], phi
  torch::Tensor target_actor;   // [M, P], theta'
  torch::Tensor target_critic;  // [M, C], phi'
  AdamState actor_adam;
  AdamState critic_adam;
  torch::Tensor updates;  // [M] int64 on the CPU, taken so far
};

// Calls function(x, y) for the tensors of two states, one after the other.
template <typename Function>
void ForEachPair(const DdpgState& x, DdpgState& y, const Function& function) {
  function(x.actor, y.actor);
  function(x.critic, y.critic);
  function(x.target_actor, y.target_actor);
  function(x.target_critic, y.target_critic);
  function(x.actor_adam.first, y.actor_adam.first);
  function(x.actor_adam.second, y.actor_adam.second);
  function(x.actor_adam.steps, y.actor_adam.steps);
  function(x.critic_adam.first, y.critic_adam.first);
  function(x.critic_adam.second, y.critic_adam.second);
  function(x.critic_adam.steps, y.critic_adam.steps);
  function(x.updates, y.updates);
}

// The state of function(tensor) for every tensor.
template <typename Function>
DdpgState MapState(const DdpgState& state, const Function& function) {
  DdpgState result;
  ForEachPair(state, result,
              [&](const torch::Tensor& from, torch::Tensor& to) { to = function(from); });
  return result;
}

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_DDPG_STATE_H_
