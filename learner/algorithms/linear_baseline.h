#ifndef SR2L_LEARNER_ALGORITHMS_LINEAR_BASELINE_H_
#define SR2L_LEARNER_ALGORITHMS_LINEAR_BASELINE_H_

#include "learner/algorithms/baseline.h"

namespace sr2l {

struct LinearBaselineOptions {
  double ridge = 1e-5;  // added to the normal equations' diagonal, > 0
};

// Ridge regression of discounted returns on features of observation o and episode step t,
//   [o, o^2, t/100, (t/100)^2, (t/100)^3, 1], o clipped to +-10,
// as Duan et al. (2016) use it. Solved anew at every fit, in float64, on the CPU; when the
// solution is not finite the ridge grows tenfold, up to five times. Parameters [M, F]
// float64, F = 2 O + 4, zero (and so the prediction) before the first fit.
class LinearBaseline : public Baseline {
 public:
  // Throws std::invalid_argument: ridge not positive and finite.
  static void Check(const LinearBaselineOptions& options);
  static BaselineState InitialState(int64_t inputs, int64_t members);

  explicit LinearBaseline(const LinearBaselineOptions& options) : options_(options) {}

  double TargetLambda() const override { return 1; }
  torch::Tensor Predict(const BaselineState& state, const BaselineInputs& inputs) override;
  void Fit(const BaselineInputs& inputs, const torch::Tensor& targets, const FitIndex& index,
           BaselineState& state) override;

 private:
  const LinearBaselineOptions options_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_LINEAR_BASELINE_H_
