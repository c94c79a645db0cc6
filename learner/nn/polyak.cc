#include "learner/nn/polyak.h"

#include <cstdint>

#include "learner/nn/floats_on_cpu.h"

namespace sr2l {
namespace {

void FusedPolyakStep(float rate, float rest, int64_t count, const float* __restrict online,
                     float* __restrict target) {
  for (int64_t i = 0; i < count; ++i) target[i] = rate * online[i] + rest * target[i];
}

}  // namespace

void PolyakStep(double rate, const torch::Tensor& online, torch::Tensor& target) {
  if (!FloatsOnCpu(target)) {
    target.mul_(1 - rate).add_(online, rate);
    return;
  }
  for (int64_t m = 0; m < target.size(0); ++m) {
    FusedPolyakStep(static_cast<float>(rate), static_cast<float>(1 - rate), target.size(1),
                    online.data_ptr<float>() + m * online.stride(0),
                    target.data_ptr<float>() + m * target.stride(0));
  }
}

}  // namespace sr2l
