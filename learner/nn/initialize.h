#ifndef SR2L_LEARNER_NN_INITIALIZE_H_
#define SR2L_LEARNER_NN_INITIALIZE_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "common/random/philox.h"
#include "learner/nn/mlp_shape.h"

namespace sr2l {

// Flat parameters [M, P], float32 on the CPU, of one network per seed: weights by Xavier's
// uniform rule (Glorot and Bengio, 2010), U[-b, b] with b = sqrt(6 / (in + out)); biases 0.
// Parameter i of a member is a pure function of (seed, purpose, i) and the shape.
torch::Tensor XavierUniform(const MlpShape& shape, const std::vector<uint64_t>& seeds,
                            Purpose purpose);

// The same by Xavier's normal rule: weights N(0, 2 / (in + out)).
torch::Tensor XavierNormal(const MlpShape& shape, const std::vector<uint64_t>& seeds,
                           Purpose purpose);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_INITIALIZE_H_
