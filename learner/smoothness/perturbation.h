#ifndef SR2L_LEARNER_SMOOTHNESS_PERTURBATION_H_
#define SR2L_LEARNER_SMOOTHNESS_PERTURBATION_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "learner/smoothness/ascent.h"
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

// Borrowed until the next Maximize.
struct PerturbationResult {
  torch::Tensor delta;           // [M, B, O]
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
  Perturbation(const SmoothnessOptions& options, const PerturbationSize& size, torch::Device device,
               torch::Dtype dtype = torch::kFloat32);

  // Throws std::invalid_argument, naming it: steps < 0; step_size or a radius that is not
  // positive and finite.
  static void Check(const SmoothnessOptions& options,
                    const std::vector<PerturbationMember>& members);

  // For M checked members; `update`: number of updates before this one.
  PerturbationResult Maximize(const SmoothnessObjective& objective,
                              const std::vector<PerturbationMember>& members, uint64_t update);

  // The same in three parts, so that many updates in a row draw and copy nothing in between.
  // Draws the starts of `updates` consecutive updates of M checked members; first_updates[m]:
  // number of member m's updates before the first.
  void Stage(const std::vector<PerturbationMember>& members,
             const std::vector<uint64_t>& first_updates, int64_t updates);
  // Chooses the start of a staged update, from 0.
  void Start(int64_t staged_update);
  // From the chosen start.
  PerturbationResult Maximize(const SmoothnessObjective& objective);

 private:
  void DrawStart(const PerturbationMember& member, uint64_t update, float* to);

  const SmoothnessOptions options_;
  const PerturbationSize size_;
  std::vector<double> uniform_;
  torch::Tensor drawn_;           // [U, M, B, O] float32 on the CPU
  torch::Tensor starts_;          // the same, where the perturbation is computed
  Ascent ascent_;                 // of the members that were staged
  torch::Tensor delta_;           // [M, B, O]
  torch::Tensor gradient_;        // [M, B, O]
  torch::Tensor start_value_;     // [M, B]
  torch::Tensor value_;           // [M, B]
  torch::Tensor boundary_share_;  // [M] float64
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SMOOTHNESS_PERTURBATION_H_
