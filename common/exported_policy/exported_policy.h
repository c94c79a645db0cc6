#ifndef SR2L_COMMON_EXPORTED_POLICY_EXPORTED_POLICY_H_
#define SR2L_COMMON_EXPORTED_POLICY_EXPORTED_POLICY_H_

#include <string>
#include <vector>

#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// A policy as other programs run it: from a raw observation [O] to the actuators' controls [A].
//   x = clip((observation - mean) * scale, -clip, clip)   without normalization: observation
//   x = activation(x W + b)                               layer after layer
//   control = offset + half_width * clip(x, -1, 1)
// A Gaussian policy's x is its mean. A plain value.
struct ExportedPolicy {
  struct Layer {
    int inputs = 0;
    int outputs = 0;
    std::vector<float> weight;  // W [inputs, outputs], row by row
    std::vector<float> bias;    // b [outputs]
    v1::Activation activation = v1::LINEAR;
  };

  std::vector<Layer> layers;  // at least one
  std::vector<float> mean;    // [O]; empty: no normalization
  std::vector<float> scale;   // [O], 1 / standard deviation
  float clip = 0;
  std::vector<float> log_std;     // [A] or [1], nats; empty: the policy is deterministic
  std::vector<float> offset;      // [A], middle of the actuator's range
  std::vector<float> half_width;  // [A], half of the range
  std::string contract;           // JSON: what the numbers mean

  int observation_dim() const { return layers.front().inputs; }
  int action_dim() const { return layers.back().outputs; }
  bool is_normalized() const { return !mean.empty(); }
};

// The controls [A] at `observation` [O] in double precision, written as plainly as above: what
// rounding and other orders of summation are measured against.
std::vector<double> ExactControls(const ExportedPolicy& policy, const float* observation);

}  // namespace sr2l

#endif  // SR2L_COMMON_EXPORTED_POLICY_EXPORTED_POLICY_H_
