#include "learner/nn/initialize.h"

#include <cmath>

namespace sr2l {
namespace {

// draw(random, index, layer) is the weight of that index in the flat parameters.
template <typename Draw>
torch::Tensor Initialize(const MlpShape& shape, const std::vector<uint64_t>& seeds, Purpose purpose,
                         const Draw& draw) {
  torch::Tensor parameters =
      torch::zeros({static_cast<int64_t>(seeds.size()), NumParameters(shape)}, torch::kFloat32);
  for (size_t m = 0; m < seeds.size(); ++m) {
    const Philox random(seeds[m], purpose);
    float* member = parameters.data_ptr<float>() + m * parameters.size(1);
    for (const MlpLayer& layer : Layers(shape)) {
      for (int64_t i = layer.weight; i < layer.bias; ++i) {
        member[i] = static_cast<float>(draw(random, i, layer));
      }
    }
  }
  return parameters;
}

}  // namespace

torch::Tensor XavierUniform(const MlpShape& shape, const std::vector<uint64_t>& seeds,
                            Purpose purpose) {
  return Initialize(
      shape, seeds, purpose, [](const Philox& random, int64_t i, const MlpLayer& layer) {
        const double bound = std::sqrt(6.0 / static_cast<double>(layer.inputs + layer.outputs));
        return bound * (2 * random.Uniform(i, /*lane=*/0) - 1);
      });
}

torch::Tensor XavierNormal(const MlpShape& shape, const std::vector<uint64_t>& seeds,
                           Purpose purpose) {
  return Initialize(
      shape, seeds, purpose, [](const Philox& random, int64_t i, const MlpLayer& layer) {
        const double sigma = std::sqrt(2.0 / static_cast<double>(layer.inputs + layer.outputs));
        return sigma * random.Normal(i, /*lane=*/0);
      });
}

}  // namespace sr2l
