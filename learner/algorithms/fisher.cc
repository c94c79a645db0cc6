#include "learner/algorithms/fisher.h"

#include "learner/algorithms/gaussian.h"

namespace sr2l {

void FisherVectorProduct(BatchedMlp& mlp, const FisherPoint& at, const torch::Tensor& v,
                         torch::Tensor& outputs, torch::Tensor& product) {
  const int64_t network = mlp.num_parameters();
  const int64_t sigmas = v.size(1) - network;
  const double states = static_cast<double>(outputs.size(1));
  mlp.ParameterJvp(at.parameters, at.point, v.narrow(1, 0, network), outputs);
  outputs.mul_(InverseVariance(at.log_std) / states);
  mlp.ParameterVjp(at.parameters, at.point, outputs, product.narrow(1, 0, network));

  const double per_sigma = at.shared_sigma ? 2.0 * static_cast<double>(outputs.size(2)) : 2.0;
  product.narrow(1, network, sigmas).copy_(v.narrow(1, network, sigmas)).mul_(per_sigma);
  product.add_(v, at.damping);
}

}  // namespace sr2l
