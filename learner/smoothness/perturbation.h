#ifndef SR2L_LEARNER_SMOOTHNESS_PERTURBATION_H_
#define SR2L_LEARNER_SMOOTHNESS_PERTURBATION_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "learner/smoothness/objective.h"
#include "learner/smoothness/smoothness_options.h"

namespace sr2l {

struct PerturbationMember {
  uint64_t seed = 0;
  double radius = 0;  // > 0, units of observation
};

struct PerturbationSize {
  int64_t members = 0;  // M
  int64_t rows = 0;     // B, states per member
  int64_t inputs = 0;   // O, coordinates of a state
};

struct PerturbationResult {
  torch::Tensor delta;           // [M, B, O], borrowed until the next Maximize
  torch::Tensor start_value;     // [M, B], D(s, s + delta_0)
  torch::Tensor value;           // [M, B], D(s, s + delta_D)
  torch::Tensor boundary_share;  // [M] float64, see Ascent
};

// The inner maximization of the smoothness regularizer, max over the ball of D(s, s + delta),
// for every state of every member at once (paper, Algorithm 1, its loop over l):
//   delta ~ U[-radius, radius] per coordinate, moved into the ball
//   D times: delta <- projection(delta + step_size radius direction(dD/ddelta))
// The start is a pure function of (seed, update, element). Not thread-safe.
class Perturbation {
 public:
  Perturbation(const SmoothnessOptions& options, const PerturbationSize& size,
               torch::Device device);

  // Throws std::invalid_argument, naming it: steps < 0; step_size or a radius that is not
  // positive and finite.
  static void Check(const SmoothnessOptions& options,
                    const std::vector<PerturbationMember>& members);

  // For M checked members; `update`: number of updates before this one.
  PerturbationResult Maximize(const SmoothnessObjective& objective,
                              const std::vector<PerturbationMember>& members, uint64_t update);

 private:
  void DrawStart(const std::vector<PerturbationMember>& members, uint64_t update);

  const SmoothnessOptions options_;
  std::vector<double> uniform_;
  torch::Tensor start_;     // [M, B, O] on the CPU
  torch::Tensor delta_;     // [M, B, O]
  torch::Tensor gradient_;  // [M, B, O]
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SMOOTHNESS_PERTURBATION_H_
