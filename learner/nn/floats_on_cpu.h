#ifndef SR2L_LEARNER_NN_FLOATS_ON_CPU_H_
#define SR2L_LEARNER_NN_FLOATS_ON_CPU_H_

#include <torch/types.h>

namespace sr2l {

// Whether plain loops over float may take the place of LibTorch's operators.
inline bool FloatsOnCpu(const torch::Tensor& tensor) {
  return tensor.is_cpu() && tensor.scalar_type() == torch::kFloat32;
}

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_FLOATS_ON_CPU_H_
