#ifndef SR2L_LEARNER_NN_ACTIVATION_KERNELS_H_
#define SR2L_LEARNER_NN_ACTIVATION_KERNELS_H_

#include <cstdint>

#include "learner/nn/mlp_shape.h"

namespace sr2l {

// Element by element over `count` floats, without libm: equal bits on every machine.
// Arrays may be the same, but not overlap otherwise.

// post = f(pre). The hyperbolic tangent's relative error is below 6 units of 2^-24.
void Activate(Activation activation, int64_t count, const float* pre, float* post);

// gradient *= f'(.), expressed by the activation's output.
void MultiplyByDerivative(Activation activation, int64_t count, const float* post,
                          float* gradient);

// f(pre + d) - f(pre) with a small relative error however small d is, where subtracting
// two activations would keep nothing of it. `difference` holds d and then the result;
// moved = post + result, which is f(pre + d).
void ActivateDifference(Activation activation, int64_t count, const float* pre,
                        const float* post, float* difference, float* moved);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_ACTIVATION_KERNELS_H_
