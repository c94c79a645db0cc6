#ifndef SR2L_LEARNER_NN_MLP_POINT_H_
#define SR2L_LEARNER_NN_MLP_POINT_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "learner/nn/fused_mlp.h"

namespace sr2l {

// One forward pass of M networks on B rows each: where derivatives are taken. Made by
// BatchedMlp::NewPoint, filled by its forward passes, read by its derivatives. Layer k has
// width n_k; `inputs` is borrowed from the caller of Forward.
struct MlpPoint {
  torch::Tensor inputs;              // [M, B, I]
  std::vector<torch::Tensor> pre;    // [M, B, n_k] before the activation, or empty
  std::vector<torch::Tensor> post;   // [M, B, n_k] after it
  torch::Tensor shifted_inputs;      // [M, B, I] of its own, once filled by differences
  // Where LibTorch's operators compute and differences start, of every layer with ReLU:
  std::vector<torch::Tensor> below;  // [M, B, n_k] min(pre, 0)
  std::vector<torch::Tensor> floor;  // [M, B, n_k] -post
  // The members' parts as the fused kernels see them; empty where those do not compute.
  std::vector<FusedPoint> fused;

  int64_t rows() const { return post.back().size(1); }
  const torch::Tensor& outputs() const { return post.back(); }
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_MLP_POINT_H_
