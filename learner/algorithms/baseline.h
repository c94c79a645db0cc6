#ifndef SR2L_LEARNER_ALGORITHMS_BASELINE_H_
#define SR2L_LEARNER_ALGORITHMS_BASELINE_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "learner/nn/adam.h"

namespace sr2l {

// All that a baseline has learned, of M members; also all that a checkpoint must keep.
struct BaselineState {
  torch::Tensor parameters;  // [M, V]
  AdamState adam;            // tensors undefined where the fit has no memory
};

// States to be valued, B per member.
struct BaselineInputs {
  torch::Tensor observations;  // [M, B, O]
  torch::Tensor episode_step;  // [M, B]
};

// Which fit this is; its randomness is a pure function of it.
struct FitIndex {
  const std::vector<uint64_t>& seeds;  // of the M members
  uint64_t update = 0;                 // number of updates before this one
};

// An estimate V(s) of the discounted future reward, of M members side by side. The state is
// held by the caller; an object has options and scratch space. Not thread-safe.
class Baseline {
 public:
  virtual ~Baseline() = default;

  // Trace decay of the value targets that Fit wants (1: discounted returns).
  virtual double TargetLambda() const = 0;

  // V, [M, B] float64 on the CPU.
  virtual torch::Tensor Predict(const BaselineState& state, const BaselineInputs& inputs) = 0;

  // Fits the state, in place, to targets [M, B] (float64 on the CPU).
  virtual void Fit(const BaselineInputs& inputs, const torch::Tensor& targets,
                   const FitIndex& index, BaselineState& state) = 0;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_BASELINE_H_
