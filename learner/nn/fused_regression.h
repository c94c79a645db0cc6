#ifndef SR2L_LEARNER_NN_FUSED_REGRESSION_H_
#define SR2L_LEARNER_NN_FUSED_REGRESSION_H_

#include <cstdint>
#include <vector>

#include "learner/nn/adam.h"
#include "learner/nn/fused_mlp.h"
#include "learner/nn/mlp_shape.h"

namespace sr2l {

// The examples of one gradient step: rows order[0], ..., order[count - 1].
struct RegressionExamples {
  const float* inputs = nullptr;   // [B, I]
  const float* targets = nullptr;  // [B]
  const int64_t* order = nullptr;
  int64_t count = 0;
};

// Minibatch least squares by Adam for one network with one output, in float32 on the CPU,
// without LibTorch: the many small steps of a value function's fit cost arithmetic alone.
// Keeps scratch space: one thread at a time.
class FusedRegression {
 public:
  // `largest`: most examples of one step.
  FusedRegression(const MlpShape& shape, const AdamOptions& adam, int64_t largest);

  // One step down the gradient of mean (output - target)^2. vectors.gradient is ignored;
  // `step` counts from 1.
  void Step(const RegressionExamples& examples, int64_t step, FusedAdamVectors vectors);

 private:
  const AdamOptions adam_;
  const int64_t num_inputs_;
  FusedMlp mlp_;
  FusedPoint point_;
  std::vector<float> inputs_;
  std::vector<std::vector<float>> layers_;
  std::vector<float> cotangent_;
  std::vector<float> gradient_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_FUSED_REGRESSION_H_
