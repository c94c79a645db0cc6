#ifndef SR2L_LEARNER_ALGORITHMS_DDPG_UPDATE_H_
#define SR2L_LEARNER_ALGORITHMS_DDPG_UPDATE_H_

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "learner/algorithms/ddpg_options.h"
#include "learner/algorithms/ddpg_state.h"
#include "learner/algorithms/ddpg_stats.h"
#include "learner/algorithms/ddpg_sums.h"
#include "learner/algorithms/phase_clock.h"
#include "learner/algorithms/transition_block.h"
#include "learner/nn/adam.h"
#include "learner/nn/device_graph.h"
#include "learner/nn/mlp.h"
#include "learner/smoothness/output_distance.h"
#include "learner/smoothness/perturbation.h"

namespace sr2l {

// Updates of M members side by side: DDPG, and with a regularizer DDPG-SR-A or DDPG-SR-C
// (paper, Algorithms 2 and 3). One update, for B sampled transitions (s, a, r, s'), is
//   1. y = r + gamma (1 - terminated) Q'(s', mu'(s')) by the target networks
//   2. SR-C: for every state draw delta in the ball of the radius; D times step up the gradient
//      of (Q(s, a) - Q(s + delta, a))^2 and return into the ball. From here delta is constant
//   3. a step of Adam on phi down mean (y - Q(s, a))^2
//      + lambda_s mean (Q(s, a) - Q(s + delta, a))^2
//   4. SR-A: delta likewise, for |mu(s) - mu(s + delta)|_2^2
//   5. a step of Adam on theta down -mean Q(s, mu(s)) + lambda_s mean |mu(s) - mu(s + delta)|_2^2
//   6. phi' <- tau phi + (1 - tau) phi', theta' <- tau theta + (1 - tau) theta'
// Gradients go through both arguments of a regularizer. Holds options and preallocated memory
// that every update works in; the state is the caller's. On a GPU, 1 to 6 are captured once for
// a state's memory as one graph, which is replayed for every update. Not thread-safe.
class DdpgUpdate {
 public:
  // Checked options.
  DdpgUpdate(const DdpgOptions& options, const std::optional<DdpgSmoothness>& smoothness,
             int64_t members, const MlpPlacement& placement);

  // All updates of the M members [first, first + M) of the block, in order, changing `state`
  // (of these M) in place. A member for which something is not finite is named in the result's
  // failure and its state is worthless: restoring it is the caller's part. The others do not
  // notice.
  DdpgStats Update(const TransitionBlock& block, int64_t first,
                   const std::vector<MemberOptions>& members, DdpgState& state);

 private:
  void Stage(const std::vector<MemberOptions>& members, const DdpgState& state, int64_t updates);
  void Load(const TransitionBlock& block, int64_t update);
  void Step(DdpgState& state, PhaseClock& clock, DdpgSeconds& seconds);
  void SetTargets(const DdpgState& state);
  void Perturb(const torch::Tensor& parameters);
  const torch::Tensor& CriticGradient(const DdpgState& state);
  const torch::Tensor& ActorGradient(const DdpgState& state);
  MlpPoint& ActorPoint();   // mu(s)
  MlpPoint& CriticPoint();  // Q(s, a)
  bool On(SmoothnessTarget target) const;

  const DdpgOptions options_;
  const std::optional<DdpgSmoothness> smoothness_;
  const torch::Device device_;
  const AdamOptions actor_adam_;
  const AdamOptions critic_adam_;
  BatchedMlp actor_;
  BatchedMlp critic_;

  // The regularizer; absent in plain DDPG.
  std::optional<OutputDistance> distance_;
  std::optional<Perturbation> perturbation_;
  torch::Tensor distance_weight_;  // [M, 1, W], 2: the distance is the squared one
  torch::Tensor coefficient_;      // [M, 1, 1], lambda_s
  bool regularized_ = false;       // some lambda_s > 0
  torch::Tensor moved_cotangent_;  // [M, B, W]

  // The loaded transitions, and what is computed of them.
  torch::Tensor observations_;       // [M, B, O]
  torch::Tensor actions_;            // [M, B, A]
  torch::Tensor rewards_;            // [M, B]
  torch::Tensor next_observations_;  // [M, B, O]
  torch::Tensor ended_;              // [M, B], 1: no value follows
  torch::Tensor truncated_;          // [M, B]
  torch::Tensor joined_;             // [M, B, O + A], a critic's inputs
  torch::Tensor taken_;              // [M, B, O + A], (s, a)
  torch::Tensor targets_;            // [M, B], y
  MlpPoint next_;                    // of the target networks
  MlpPoint next_q_;
  MlpPoint plain_actor_point_;      // mu(s), where the actor is not regularized
  MlpPoint plain_critic_point_;     // Q(s, a), likewise
  MlpPoint policy_q_;               // Q(s, mu(s))
  torch::Tensor q_cotangent_;       // [M, B, 1]
  torch::Tensor mean_q_cotangent_;  // [M, B, 1], -1 / B
  torch::Tensor action_cotangent_;  // [M, B, A]
  torch::Tensor critic_gradient_;   // [M, C]
  torch::Tensor actor_gradient_;    // [M, P]
  DdpgSums sums_;
  StepGraph graph_;  // of steps 1 to 6
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_DDPG_UPDATE_H_
