#ifndef SR2L_LEARNER_ALGORITHMS_TRPO_OPTIONS_H_
#define SR2L_LEARNER_ALGORITHMS_TRPO_OPTIONS_H_

#include <variant>

#include "learner/algorithms/linear_baseline.h"
#include "learner/algorithms/member_options.h"
#include "learner/algorithms/value_network.h"
#include "learner/nn/mlp_shape.h"

namespace sr2l {

// Trust region policy optimization, equal for all members of an experiment.
struct TrpoOptions {
  double discount = 0.99;        // gamma, in (0, 1]
  double gae_lambda = 0.97;      // trace decay, in [0, 1]
  double max_kl = 0.01;          // trust region, nats, > 0
  int cg_iterations = 10;        // >= 1
  double damping = 1e-5;         // added to the Fisher matrix, >= 0
  int backtracks = 15;           // tried steps of the line search, >= 1
  double backtrack_ratio = 0.8;  // in (0, 1)
  MlpShape policy = {.inputs = 0, .hidden = {64, 64}, .outputs = 0};
  bool shared_sigma = false;     // one sigma for all action dimensions
  double initial_sigma = 1;      // > 0
  double minimum_sigma = 1e-6;   // floor of sigma, in (0, initial_sigma]
  std::variant<ValueNetworkOptions, LinearBaselineOptions> baseline;
};

// Throws std::invalid_argument, naming the option, its value and what is allowed.
void CheckTrpoOptions(const TrpoOptions& options);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_TRPO_OPTIONS_H_
