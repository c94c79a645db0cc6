#ifndef SR2L_LEARNER_NN_POLYAK_H_
#define SR2L_LEARNER_NN_POLYAK_H_

#include <torch/types.h>

namespace sr2l {

// A target network follows its online network slowly, in place:
//   target <- rate online + (1 - rate) target
// Both [M, P], of one dtype and device; a member's part is contiguous.
void PolyakStep(double rate, const torch::Tensor& online, torch::Tensor& target);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_POLYAK_H_
