#ifndef SR2L_LEARNER_ALGORITHMS_DDPG_SUMS_H_
#define SR2L_LEARNER_ALGORITHMS_DDPG_SUMS_H_

#include <torch/types.h>

#include <cstdint>

#include "learner/algorithms/ddpg_stats.h"
#include "learner/smoothness/perturbation.h"

namespace sr2l {

// Collects the statistics of a block's updates where they are computed, in float64, so that
// nothing is read back before the block's end. M members, B rows, W outputs.
class DdpgSums {
 public:
  DdpgSums(int64_t members, torch::Device device);

  void Clear();
  void AddCritic(const torch::Tensor& q, const torch::Tensor& targets);  // [M, B, 1], [M, B]
  void AddActor(const torch::Tensor& q);                                 // [M, B, 1]
  // With difference = out(s + delta) - out(s), [M, B, W].
  void AddPerturbation(const PerturbationResult& result, const torch::Tensor& difference);

  // The figures of `updates` updates since Clear. Waits for the device.
  DdpgStats Means(int64_t updates, bool perturbed) const;

 private:
  enum Column {
    kCriticLoss,
    kQ,
    kActorObjective,
    kNonsmoothness,
    kStartNonsmoothness,
    kBoundaryShare,
    kLipschitz,
    kColumns
  };
  void AddMean(Column column, const torch::Tensor& values);
  double& At(int64_t member, Column column);

  torch::Tensor sums_;  // [M, kColumns]
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_DDPG_SUMS_H_
