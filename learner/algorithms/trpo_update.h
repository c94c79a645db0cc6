#ifndef SR2L_LEARNER_ALGORITHMS_TRPO_UPDATE_H_
#define SR2L_LEARNER_ALGORITHMS_TRPO_UPDATE_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "learner/algorithms/baseline.h"
#include "learner/algorithms/conjugate_gradient.h"
#include "learner/algorithms/finite_checks.h"
#include "learner/algorithms/gae.h"
#include "learner/algorithms/line_search.h"
#include "learner/algorithms/round_batch.h"
#include "learner/algorithms/surrogate.h"
#include "learner/algorithms/trpo_options.h"
#include "learner/algorithms/trpo_stats.h"
#include "learner/nn/mlp.h"
#include "learner/smoothness/output_distance.h"
#include "learner/smoothness/perturbation.h"

namespace sr2l {

// Everything that members have learned.
struct TrpoState {
  torch::Tensor policy;  // [M, P + L]: the network's parameters, then log_std (L = A, or 1)
  BaselineState baseline;
};

struct UpdateSize {
  int64_t members = 0;  // M
  int64_t rows = 0;     // B = N T, states per member
};

// One update of M members side by side: TRPO, and with a smoothness regularizer TRPO-SR
// (paper, Algorithm 1). One iteration k is
//   1. collect a round of experience with the policy pi_k                  (the caller)
//   2. estimate the advantage A of every step with the baseline
//   3. for every state s: draw delta in the ball of the radius; D times step up the gradient
//      of D_J(pi_k(s), pi_k(s + delta)) and return into the ball. From here delta is constant
//   4. minimize -mean(ratio A) + lambda_s mean D_J(pi(s), pi(s + delta)) subject to
//      mean KL(pi_k || pi) <= max_kl: conjugate gradient on the Fisher matrix gives the
//      direction, backtracking the length of the step
//   5. fit the baseline to the value targets
// Holds options and preallocated memory; the state is the caller's. Not thread-safe.
class TrpoUpdate {
 public:
  // Checked options. `smoothness` absent: no perturbation at all.
  TrpoUpdate(const TrpoOptions& options, const std::optional<SmoothnessOptions>& smoothness,
             const UpdateSize& size, const MlpPlacement& placement);

  // Changes `state` in place. `update`: number of updates before this one. A member for which
  // something is not finite is named in the result's failure and its state is worthless:
  // restoring it is the caller's part. The others do not notice.
  TrpoStats Update(const RoundBatch& batch, const std::vector<MemberOptions>& members,
                   uint64_t update, TrpoState& state);

 private:
  struct Advantages {
    torch::Tensor standardized;   // [M, B] on the device
    torch::Tensor values;         // [M, B] float64 on the CPU, before the fit
    torch::Tensor value_targets;  // [M, B] float64 on the CPU
  };

  Advantages EstimateAdvantages(const RoundBatch& batch, const BaselineState& baseline);
  std::optional<PerturbationResult> Perturb(const std::vector<MemberOptions>& members,
                                            uint64_t update, const torch::Tensor& policy);
  SurrogateTerms MakeTerms(const RoundBatch& batch, const std::vector<MemberOptions>& members,
                           const torch::Tensor& advantages, const torch::Tensor& policy) const;
  torch::Tensor LossGradient(const torch::Tensor& policy, const SurrogateTerms& terms);
  // The step to the trust region's edge along the Fisher matrix's solution, [M, P + L].
  torch::Tensor NaturalStep(const torch::Tensor& policy, const torch::Tensor& gradient);
  LineSearchResult Backtrack(const LineSearchStart& start, const SurrogateTerms& terms,
                             const torch::Tensor& observations, const torch::Tensor& delta);

  // Parts of [M, P + L].
  torch::Tensor Network(const torch::Tensor& policy) const;
  torch::Tensor LogStd(const torch::Tensor& policy) const;  // [M, 1, A]
  // What the policy's outputs are at the points of `distance_`.
  PolicyOutputs Outputs(const torch::Tensor& policy) const;

  const TrpoOptions options_;
  const std::optional<SmoothnessOptions> smoothness_;
  const torch::Device device_;
  BatchedMlp mlp_;
  OutputDistance distance_;  // the policy network at the states, and at the perturbed ones
  std::optional<Perturbation> perturbation_;
  std::unique_ptr<Baseline> baseline_;
  torch::Tensor gradient_;        // [M, P + L]
  torch::Tensor moved_gradient_;  // [M, P]
  torch::Tensor fisher_outputs_;  // [M, B, A]
  ConjugateGradient conjugate_gradient_;
};

// The log of the smallest allowed sigma, rounded up to float32.
float MinimumLogStd(const TrpoOptions& options);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_TRPO_UPDATE_H_
