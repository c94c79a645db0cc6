#ifndef SR2L_LEARNER_SMOOTHNESS_OBJECTIVE_H_
#define SR2L_LEARNER_SMOOTHNESS_OBJECTIVE_H_

#include <torch/types.h>

#include <functional>

namespace sr2l {

// What a perturbation maximizes: a divergence D(s, s + delta) per state, 0 at delta = 0 and
// never negative. `move_to` is called before the two others, which speak of that delta.
struct SmoothnessObjective {
  std::function<void(const torch::Tensor& delta)> move_to;   // [M, B, O]
  std::function<void(torch::Tensor& value)> value;           // fills [M, B]
  std::function<void(torch::Tensor& gradient)> gradient;     // fills [M, B, O]
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SMOOTHNESS_OBJECTIVE_H_
