#ifndef SR2L_LEARNER_ALGORITHMS_DDPG_STATS_H_
#define SR2L_LEARNER_ALGORITHMS_DDPG_STATS_H_

#include <torch/types.h>

#include <string>
#include <vector>

namespace sr2l {

// Wall-clock time of the parts of a block's updates, of all its members together. On a GPU the
// work goes on while more is started: all but `finish` then say how long starting it took. What
// is replayed as a graph has no parts: all is in `finish`.
struct DdpgSeconds {
  double targets = 0;  // the targets y, and the target networks' own updates
  double critic = 0;
  double perturbation = 0;
  double actor = 0;
  double finish = 0;  // waiting for the block's end, checks and statistics
};

// What a block of updates did to G members: means over its updates, [G] float64 on the CPU; a
// failed member's figures mean nothing. D is the squared distance of the regularized network's
// outputs at s and at s + delta; without a perturbation the figures of it are NaN.
struct DdpgStats {
  torch::Tensor critic_loss;        // mean (y - Q(s, a))^2, without the regularizer
  torch::Tensor q_mean;             // mean Q(s, a)
  torch::Tensor actor_objective;    // mean Q(s, mu(s)), without the regularizer
  torch::Tensor nonsmoothness;      // mean D at the ascent's end, before the step
  torch::Tensor perturbation_gain;  // that, over D at the ascent's start
  torch::Tensor boundary_share;     // of coordinates (or states) on the ball's boundary
  // Mean over the states of |out(s + delta) - out(s)|_2 / |delta|_2.
  torch::Tensor local_lipschitz;
  std::vector<std::string> failure;  // [G], why the member failed; empty: it did not
  DdpgSeconds seconds;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_DDPG_STATS_H_
