#include "learner/nn/initialize.h"

#include <cmath>

namespace sr2l {

torch::Tensor XavierUniform(const MlpShape& shape, const std::vector<uint64_t>& seeds,
                            Purpose purpose) {
  torch::Tensor parameters =
      torch::zeros({static_cast<int64_t>(seeds.size()), NumParameters(shape)}, torch::kFloat32);
  for (size_t m = 0; m < seeds.size(); ++m) {
    const Philox random(seeds[m], purpose);
    float* member = parameters.data_ptr<float>() + m * parameters.size(1);
    for (const MlpLayer& layer : Layers(shape)) {
      const double bound = std::sqrt(6.0 / static_cast<double>(layer.inputs + layer.outputs));
      for (int64_t i = layer.weight; i < layer.bias; ++i) {
        member[i] = static_cast<float>(bound * (2 * random.Uniform(i, /*lane=*/0) - 1));
      }
    }
  }
  return parameters;
}

}  // namespace sr2l
