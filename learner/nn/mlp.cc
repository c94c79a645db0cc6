#include "learner/nn/mlp.h"

#include <stdexcept>

namespace sr2l {
namespace {

float* MemberRow(const torch::Tensor& tensor, int64_t m) {
  return tensor.data_ptr<float>() + m * tensor.stride(0);
}

// The layer's weight [M, in, out] and bias [M, 1, out] inside flat parameters [M, P].
torch::Tensor Weight(const torch::Tensor& parameters, const MlpLayer& layer) {
  return parameters.narrow(1, layer.weight, layer.inputs * layer.outputs)
      .view({parameters.size(0), layer.inputs, layer.outputs});
}

torch::Tensor Bias(const torch::Tensor& parameters, const MlpLayer& layer) {
  return parameters.narrow(1, layer.bias, layer.outputs).unsqueeze(1);
}

const torch::Tensor& LayerInput(const MlpPoint& point, size_t k) {
  return k == 0 ? point.inputs : point.post[k - 1];
}

void ActivateInto(Activation activation, const torch::Tensor& pre, torch::Tensor post) {
  switch (activation) {
    case Activation::kTanh:
      torch::tanh_out(post, pre);
      return;
    case Activation::kRelu:
      torch::clamp_min_out(post, pre, 0);
      return;
    case Activation::kLinear:
      if (!post.is_same(pre)) post.copy_(pre);
  }
}

// gradient *= f', expressed by the activation's output.
void MultiplyByDerivativeOf(Activation activation, const torch::Tensor& post,
                            torch::Tensor gradient) {
  if (activation == Activation::kTanh) {
    torch::tanh_backward_out(gradient, gradient, post);
  } else if (activation == Activation::kRelu) {
    torch::threshold_backward_out(gradient, gradient, post, 0);
  }
}

}  // namespace

FusedPoint MlpPoint::Member(int64_t m) const {
  FusedPoint point;
  point.inputs = MemberRow(inputs, m);
  point.rows = rows();
  for (const torch::Tensor& layer : pre) point.pre.push_back(MemberRow(layer, m));
  for (const torch::Tensor& layer : post) point.post.push_back(MemberRow(layer, m));
  return point;
}

BatchedMlp::BatchedMlp(const MlpShape& shape, int64_t members, const MlpPlacement& placement)
    : shape_(shape),
      layers_(Layers(shape)),
      members_(members),
      num_parameters_(NumParameters(shape)),
      placement_(placement) {
  if (members <= 0) {
    throw std::invalid_argument("networks need at least one member, got " +
                                std::to_string(members));
  }
  if (placement.dtype != torch::kFloat32 && placement.dtype != torch::kFloat64) {
    throw std::invalid_argument("networks compute in float32 or float64 only");
  }
  const bool can_fuse = placement.device.is_cpu() && placement.dtype == torch::kFloat32;
  if (placement.backend == MlpBackend::kFused && !can_fuse) {
    throw std::invalid_argument("fused networks compute in float32 on the CPU only");
  }
  if (can_fuse && placement.backend != MlpBackend::kTorch) fused_.emplace_back(shape);
}

MlpPoint BatchedMlp::NewPoint(int64_t rows, Keep keep) const {
  const auto options = torch::TensorOptions().device(placement_.device).dtype(placement_.dtype);
  MlpPoint point;
  for (const MlpLayer& layer : layers_) {
    point.post.push_back(torch::empty({members_, rows, layer.outputs}, options));
    if (keep == Keep::kPreAndPost) point.pre.push_back(torch::empty_like(point.post.back()));
  }
  return point;
}

std::vector<BatchedMlp::LayerScratch>& BatchedMlp::Scratch(int64_t rows) {
  std::vector<LayerScratch>& scratch = scratch_[rows];
  if (scratch.empty()) {
    for (const torch::Tensor& layer : NewPoint(rows).post) {
      scratch.push_back({.passing = layer,
                         .first = torch::empty_like(layer),
                         .second = torch::empty_like(layer),
                         .small = torch::empty_like(layer, torch::kBool)});
    }
  }
  return scratch;
}

// passing = f(pre + passing) - f(pre), precise for a small one; see ActivateDifference.
void BatchedMlp::ActivateDifferenceOf(Activation activation, const torch::Tensor& pre,
                                      const torch::Tensor& post, LayerScratch& scratch) {
  torch::Tensor& d = scratch.passing;
  torch::Tensor& first = scratch.first;
  torch::Tensor& second = scratch.second;
  if (activation == Activation::kTanh) {
    torch::abs_out(second, d);
    torch::le_out(scratch.small, second, 0.5);
    torch::tanh_out(first, d);                           // T
    torch::mul_out(second, post, first).add_(1);         // 1 + t T
    torch::tanh_backward_out(first, first, post).div_(second);  // (1 - t^2) T / (1 + t T)
    torch::add_out(second, pre, d).tanh_().sub_(post);          // tanh(z + d) - t
    torch::where_out(d, scratch.small, first, second);
  } else if (activation == Activation::kRelu) {
    torch::gt_out(scratch.small, pre, 0);
    torch::maximum_out(first, d, torch::neg_out(second, pre));
    torch::add_out(second, pre, d).clamp_min_(0);
    torch::where_out(d, scratch.small, first, second);
  }
}

void BatchedMlp::Forward(const torch::Tensor& parameters, const torch::Tensor& inputs,
                         MlpPoint& point) {
  point.inputs = inputs;
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].Forward(MemberRow(parameters, m), point.Member(m));
    }
    return;
  }
  for (size_t k = 0; k < layers_.size(); ++k) {
    torch::Tensor pre = point.pre.empty() ? point.post[k] : point.pre[k];
    torch::baddbmm_out(pre, Bias(parameters, layers_[k]), LayerInput(point, k),
                       Weight(parameters, layers_[k]));
    ActivateInto(layers_[k].activation, pre, point.post[k]);
  }
}

void BatchedMlp::ForwardDifference(const torch::Tensor& parameters, const MlpPoint& origin,
                                   const torch::Tensor& delta, MlpPoint& moved,
                                   torch::Tensor& difference) {
  if (!moved.shifted_inputs.defined()) moved.shifted_inputs = torch::empty_like(delta);
  moved.inputs = torch::add_out(moved.shifted_inputs, origin.inputs, delta);
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].ForwardDifference(MemberRow(parameters, m), origin.Member(m),
                                  MemberRow(delta, m), moved.Member(m),
                                  MemberRow(difference, m));
    }
    return;
  }
  std::vector<LayerScratch>& scratch = Scratch(origin.rows());
  for (size_t k = 0; k < layers_.size(); ++k) {
    torch::bmm_out(scratch[k].passing, k == 0 ? delta : scratch[k - 1].passing,
                   Weight(parameters, layers_[k]));
    ActivateDifferenceOf(layers_[k].activation, origin.pre[k], origin.post[k], scratch[k]);
    torch::add_out(moved.post[k], origin.post[k], scratch[k].passing);
  }
  difference.copy_(scratch.back().passing);
}

// The gradient before the layer's activation, given the one after it: in `scratch`, or the
// given one where the activation changes nothing.
torch::Tensor BatchedMlp::BackThroughActivation(const MlpPoint& point, size_t k,
                                                const torch::Tensor& gradient,
                                                const torch::Tensor& scratch) const {
  if (layers_[k].activation == Activation::kLinear) return gradient;
  if (!gradient.is_same(scratch)) torch::Tensor(scratch).copy_(gradient);
  MultiplyByDerivativeOf(layers_[k].activation, point.post[k], scratch);
  return scratch;
}

void BatchedMlp::ParameterVjp(const torch::Tensor& parameters, const MlpPoint& point,
                              const torch::Tensor& cotangent, torch::Tensor gradient) {
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].ParameterVjp(MemberRow(parameters, m), point.Member(m), MemberRow(cotangent, m),
                             MemberRow(gradient, m));
    }
    return;
  }
  const std::vector<LayerScratch>& scratch = Scratch(point.rows());
  torch::Tensor after = cotangent;
  for (size_t k = layers_.size(); k-- > 0;) {
    const torch::Tensor before = BackThroughActivation(point, k, after, scratch[k].passing);
    torch::Tensor weight_gradient = Weight(gradient, layers_[k]);
    torch::Tensor bias_gradient = Bias(gradient, layers_[k]);
    torch::bmm_out(weight_gradient, LayerInput(point, k).transpose(1, 2), before);
    torch::sum_out(bias_gradient, before, {1}, /*keepdim=*/true);
    if (k == 0) return;
    after = scratch[k - 1].passing;
    torch::bmm_out(after, before, Weight(parameters, layers_[k]).transpose(1, 2));
  }
}

void BatchedMlp::InputVjp(const torch::Tensor& parameters, const MlpPoint& point,
                          const torch::Tensor& cotangent, torch::Tensor& gradient) {
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].InputVjp(MemberRow(parameters, m), point.Member(m), MemberRow(cotangent, m),
                         MemberRow(gradient, m));
    }
    return;
  }
  const std::vector<LayerScratch>& scratch = Scratch(point.rows());
  torch::Tensor after = cotangent;
  for (size_t k = layers_.size(); k-- > 0;) {
    const torch::Tensor before = BackThroughActivation(point, k, after, scratch[k].passing);
    after = k == 0 ? gradient : scratch[k - 1].passing;
    torch::bmm_out(after, before, Weight(parameters, layers_[k]).transpose(1, 2));
  }
}

void BatchedMlp::ParameterJvp(const torch::Tensor& parameters, const MlpPoint& point,
                              const torch::Tensor& tangent, torch::Tensor& derivative) {
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].ParameterJvp(MemberRow(parameters, m), point.Member(m), MemberRow(tangent, m),
                             MemberRow(derivative, m));
    }
    return;
  }
  const std::vector<LayerScratch>& scratch = Scratch(point.rows());
  for (size_t k = 0; k < layers_.size(); ++k) {
    torch::Tensor to = k + 1 == layers_.size() ? derivative : scratch[k].passing;
    torch::baddbmm_out(to, Bias(tangent, layers_[k]), LayerInput(point, k),
                       Weight(tangent, layers_[k]));
    if (k > 0) to.baddbmm_(scratch[k - 1].passing, Weight(parameters, layers_[k]));
    MultiplyByDerivativeOf(layers_[k].activation, point.post[k], to);
  }
}

}  // namespace sr2l
