#ifndef SR2L_LEARNER_ALGORITHMS_DDPG_OPTIONS_H_
#define SR2L_LEARNER_ALGORITHMS_DDPG_OPTIONS_H_

#include <cstdint>
#include <vector>

#include "learner/algorithms/member_options.h"
#include "learner/nn/mlp_shape.h"
#include "learner/smoothness/smoothness_options.h"

namespace sr2l {

// Deep deterministic policy gradient, equal for all members of an experiment.
struct DdpgOptions {
  double discount = 0.99;              // gamma, in (0, 1]
  double actor_learning_rate = 1e-4;   // Adam, > 0
  double critic_learning_rate = 1e-3;  // Adam, > 0
  double target_update_rate = 0.01;    // tau, in (0, 1]
  int64_t batch_size = 64;             // B, transitions per update, >= 1
  // mu(s): O observations to A actions.
  MlpShape actor = {.inputs = 0,
                    .hidden = {64, 64},
                    .outputs = 0,
                    .activation = Activation::kRelu,
                    .output_activation = Activation::kTanh};
  // Q(s, a): O observations, then A actions, to one value.
  MlpShape critic = {.inputs = 0,
                     .hidden = {64, 64},
                     .outputs = 1,
                     .activation = Activation::kRelu,
                     .output_activation = Activation::kLinear};
  // The step limit also ends the return: its value is not bootstrapped from.
  bool terminate_at_truncation = false;
};

// Which network is kept smooth.
enum class SmoothnessTarget {
  kPolicy,  // the actor: DDPG-SR-A
  kCritic,  // DDPG-SR-C
};

struct DdpgSmoothness {
  SmoothnessTarget target = SmoothnessTarget::kPolicy;
  // detach_sigma has no meaning here; discount_weighting is refused, as a sampled transition
  // does not tell its step within the episode.
  SmoothnessOptions options;
};

// Throws std::invalid_argument, naming the option, its value and what is allowed.
void CheckDdpgOptions(const DdpgOptions& options);
void CheckDdpgSmoothness(const DdpgSmoothness& smoothness,
                         const std::vector<MemberOptions>& members);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_DDPG_OPTIONS_H_
