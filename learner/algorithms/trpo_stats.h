#ifndef SR2L_LEARNER_ALGORITHMS_TRPO_STATS_H_
#define SR2L_LEARNER_ALGORITHMS_TRPO_STATS_H_

#include <torch/types.h>

#include <string>
#include <vector>

namespace sr2l {

// Wall-clock time of the parts of an update, of all its members together.
struct PhaseSeconds {
  double advantages = 0;
  double perturbation = 0;
  double gradient = 0;
  double conjugate_gradient = 0;
  double line_search = 0;
  double value_fit = 0;
};

// What an update did. Tensors are [M] float64 on the CPU unless it says otherwise; a failed
// member's figures mean nothing. Divergences are in nats.
struct TrpoStats {
  torch::Tensor kl;                   // KL(old || new), mean over the states
  torch::Tensor surrogate;            // mean of ratio * advantage after the step
  torch::Tensor loss_before;
  torch::Tensor loss_after;
  // Mean D_J at the perturbed states; NaN without a perturbation, like the three that follow.
  torch::Tensor nonsmoothness;        // before the step
  torch::Tensor nonsmoothness_after;  // after it, at the same perturbation
  torch::Tensor perturbation_gain;    // D_J at the ascent's end over that at its start
  torch::Tensor boundary_share;       // of coordinates (or states) on the ball's boundary
  torch::Tensor sigma;                // mean standard deviation after the step
  torch::Tensor value_loss;           // mean (V - target)^2 after the fit
  torch::Tensor explained_variance;   // of the targets by V before the fit
  torch::Tensor gradient_norm;        // of the loss, Euclidean
  torch::Tensor backtracks;           // [M] int32; -1: no step was accepted
  std::vector<std::string> failure;   // [M], why the member failed; empty: it did not
  PhaseSeconds seconds;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_TRPO_STATS_H_
