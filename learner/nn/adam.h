#ifndef SR2L_LEARNER_NN_ADAM_H_
#define SR2L_LEARNER_NN_ADAM_H_

#include <torch/types.h>

#include <cstdint>

namespace sr2l {

struct AdamOptions {
  double learning_rate = 1e-3;
  double first_decay = 0.9;     // beta_1
  double second_decay = 0.999;  // beta_2
  double stabilizer = 1e-8;     // added to the root of the second moment
};

// What Adam remembers of M members' flat parameters.
struct AdamState {
  torch::Tensor first;   // [M, P] decaying mean of the gradient
  torch::Tensor second;  // [M, P] decaying mean of its square
  torch::Tensor steps;   // [M] int64, taken so far

  // Zeros of parameters' [M, P] shape, dtype and device.
  static AdamState Zeros(const torch::Tensor& parameters);
};

// One step of Adam (Kingma and Ba, 2015, Algorithm 1) down the gradient [M, P], in place.
// Float32 on the CPU: member by member through FusedAdamStep.
void AdamStep(const AdamOptions& options, const torch::Tensor& gradient, AdamState& state,
              torch::Tensor& parameters);

// The same for one member in float32 on the CPU: `step` counts from 1.
struct FusedAdamVectors {
  const float* gradient = nullptr;
  float* first = nullptr;
  float* second = nullptr;
  float* parameters = nullptr;
  int64_t size = 0;
};
void FusedAdamStep(const AdamOptions& options, int64_t step, const FusedAdamVectors& vectors);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_ADAM_H_
