#include "learner/nn/mlp.h"

#include <algorithm>
#include <stdexcept>
#include <string>

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

// The transposed weight [M, out, in] inside what TransposeWeights left.
torch::Tensor TransposedWeight(const torch::Tensor& transposed, const MlpLayer& layer) {
  return transposed.narrow(1, layer.weight, layer.inputs * layer.outputs)
      .view({transposed.size(0), layer.outputs, layer.inputs});
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

// before = after * f', expressed by the activation's output; `before` may be `after`.
void MultiplyByDerivativeOf(Activation activation, const torch::Tensor& post,
                            const torch::Tensor& after, torch::Tensor before) {
  if (activation == Activation::kTanh) {
    torch::tanh_backward_out(before, after, post);
  } else if (activation == Activation::kRelu) {
    torch::threshold_backward_out(before, after, post, 0);
  }
}

void ShiftRows(int64_t rows, int64_t width, const float* inputs, const FusedInputs& delta,
               float* shifted) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = inputs + row * width;
    const float* by = delta.values + row * delta.width;
    float* to = shifted + row * width;
    for (int64_t i = 0; i < delta.width; ++i) to[i] = from[i] + by[i];
    std::copy(from + delta.width, from + width, to + delta.width);
  }
}

}  // namespace

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
  transposed_ =
      torch::empty({members, num_parameters_},
                   torch::TensorOptions().device(placement.device).dtype(placement.dtype));
}

MlpPoint BatchedMlp::NewPoint(int64_t rows, Keep keep) const {
  const auto options = torch::TensorOptions().device(placement_.device).dtype(placement_.dtype);
  MlpPoint point;
  for (const MlpLayer& layer : layers_) {
    point.post.push_back(torch::empty({members_, rows, layer.outputs}, options));
    if (keep == Keep::kPost) continue;
    point.pre.push_back(torch::empty_like(point.post.back()));
    const bool bounds = !fused() && layer.activation == Activation::kRelu;
    point.below.push_back(bounds ? torch::empty_like(point.post.back()) : torch::Tensor());
    point.floor.push_back(bounds ? torch::empty_like(point.post.back()) : torch::Tensor());
  }
  for (int64_t m = 0; fused() && m < members_; ++m) {
    FusedPoint& member = point.fused.emplace_back();
    member.rows = rows;
    for (const torch::Tensor& layer : point.pre) member.pre.push_back(MemberRow(layer, m));
    for (const torch::Tensor& layer : point.post) member.post.push_back(MemberRow(layer, m));
  }
  return point;
}

std::vector<BatchedMlp::LayerScratch>& BatchedMlp::Scratch(int64_t rows) {
  std::vector<LayerScratch>& scratch = scratch_[rows];
  if (scratch.empty()) {
    for (const torch::Tensor& layer : NewPoint(rows).post) {
      scratch.push_back({.passing = layer,
                         .step = torch::empty_like(layer)});
    }
  }
  return scratch;
}

void BatchedMlp::Forward(const torch::Tensor& parameters, const torch::Tensor& inputs,
                         MlpPoint& point) {
  point.inputs = inputs;
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      point.fused[m].inputs = MemberRow(inputs, m);
      fused_[0].Forward(MemberRow(parameters, m), point.fused[m]);
    }
    return;
  }
  for (size_t k = 0; k < layers_.size(); ++k) {
    torch::Tensor pre = point.pre.empty() ? point.post[k] : point.pre[k];
    torch::baddbmm_out(pre, Bias(parameters, layers_[k]), LayerInput(point, k),
                       Weight(parameters, layers_[k]));
    ActivateInto(layers_[k].activation, pre, point.post[k]);
    if (point.pre.empty() || layers_[k].activation != Activation::kRelu) continue;
    torch::clamp_max_out(point.below[k], pre, 0);
    torch::neg_out(point.floor[k], point.post[k]);
  }
}

void BatchedMlp::ShiftInputs(const MlpPoint& origin, const torch::Tensor& delta,
                             MlpPoint& moved) const {
  if (!moved.shifted_inputs.defined()) {
    moved.shifted_inputs = torch::empty({members_, origin.rows(), shape_.inputs}, delta.options());
  }
  moved.inputs = moved.shifted_inputs;
  if (!fused()) {
    const int64_t moving = delta.size(2);
    torch::Tensor first = moved.inputs.narrow(2, 0, moving);
    torch::add_out(first, origin.inputs.narrow(2, 0, moving), delta);
    if (moving == shape_.inputs) return;
    const int64_t rest = shape_.inputs - moving;
    moved.inputs.narrow(2, moving, rest).copy_(origin.inputs.narrow(2, moving, rest));
    return;
  }
  for (int64_t m = 0; m < members_; ++m) {
    float* to = MemberRow(moved.inputs, m);
    ShiftRows(origin.rows(), shape_.inputs, origin.fused[m].inputs,
              {MemberRow(delta, m), delta.size(2)}, to);
    moved.fused[m].inputs = to;
  }
}

void BatchedMlp::ForwardDifference(const torch::Tensor& parameters, const MlpPoint& origin,
                                   const torch::Tensor& delta, MlpPoint& moved,
                                   torch::Tensor& difference) {
  ShiftInputs(origin, delta, moved);
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].ForwardDifference(MemberRow(parameters, m), origin.fused[m],
                                  {MemberRow(delta, m), delta.size(2)}, moved.fused[m],
                                  MemberRow(difference, m));
    }
    return;
  }
  std::vector<LayerScratch>& scratch = Scratch(origin.rows());
  for (size_t k = 0; k < layers_.size(); ++k) {
    const torch::Tensor weight = Weight(parameters, layers_[k]);
    torch::bmm_out(scratch[k].step, k == 0 ? delta : scratch[k - 1].passing,
                   k == 0 ? weight.narrow(1, 0, delta.size(2)) : weight);
    ActivateDifferenceOf(origin, k, moved,
                         k + 1 == layers_.size() ? difference : scratch[k].passing);
  }
}

// Given the layer's step d before the activation, from z and f(z) on: f(z + d) into `moved`, and
// difference = f(z + d) - f(z), precise for a small d. A few operators, as a GPU spends its time
// on starting them.
void BatchedMlp::ActivateDifferenceOf(const MlpPoint& origin, size_t k, MlpPoint& moved,
                                      torch::Tensor difference) {
  torch::Tensor d = Scratch(origin.rows())[k].step;
  torch::Tensor& post = moved.post[k];
  switch (layers_[k].activation) {
    case Activation::kTanh:  // tanh(d) (1 - tanh(z) tanh(z + d))
      torch::add_out(post, origin.pre[k], d).tanh_();
      d.tanh_();
      torch::mul_out(difference, d, post);
      torch::addcmul_out(difference, d, difference, origin.post[k], -1);
      return;
    case Activation::kRelu:  // max(d, -z) where z > 0, max(z + d, 0) elsewhere
      torch::maximum_out(difference, d.add_(origin.below[k]), origin.floor[k]);
      torch::add_out(post, origin.post[k], difference);
      return;
    case Activation::kLinear:
      difference.copy_(d);
      torch::add_out(post, origin.post[k], d);
  }
}

// The gradient before the layer's activation, given the one after it: in `scratch`, or the
// given one where the activation changes nothing.
torch::Tensor BatchedMlp::BackThroughActivation(const MlpPoint& point, size_t k,
                                                const torch::Tensor& gradient,
                                                const torch::Tensor& scratch) const {
  if (layers_[k].activation == Activation::kLinear) return gradient;
  MultiplyByDerivativeOf(layers_[k].activation, point.post[k], gradient, scratch);
  return scratch;
}

void BatchedMlp::ParameterVjp(const torch::Tensor& parameters, const MlpPoint& point,
                              const torch::Tensor& cotangent, torch::Tensor gradient) {
  ParameterVjpInto(FusedMlp::Into::kSet, parameters, point, cotangent, std::move(gradient));
}

void BatchedMlp::AddParameterVjp(const torch::Tensor& parameters, const MlpPoint& point,
                                 const torch::Tensor& cotangent, torch::Tensor gradient) {
  ParameterVjpInto(FusedMlp::Into::kAdd, parameters, point, cotangent, std::move(gradient));
}

void BatchedMlp::ParameterVjpInto(FusedMlp::Into into, const torch::Tensor& parameters,
                                  const MlpPoint& point, const torch::Tensor& cotangent,
                                  torch::Tensor gradient) {
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].ParameterVjp(MemberRow(parameters, m), point.fused[m], MemberRow(cotangent, m),
                             MemberRow(gradient, m), into);
    }
    return;
  }
  const std::vector<LayerScratch>& scratch = Scratch(point.rows());
  torch::Tensor after = cotangent;
  for (size_t k = layers_.size(); k-- > 0;) {
    const torch::Tensor before = BackThroughActivation(point, k, after, scratch[k].passing);
    torch::Tensor weight_gradient = Weight(gradient, layers_[k]);
    torch::Tensor bias_gradient = Bias(gradient, layers_[k]);
    if (into == FusedMlp::Into::kAdd) {
      weight_gradient.baddbmm_(LayerInput(point, k).transpose(1, 2), before);
      bias_gradient.add_(before.sum({1}, /*keepdim=*/true));
    } else {
      torch::bmm_out(weight_gradient, LayerInput(point, k).transpose(1, 2), before);
      torch::sum_out(bias_gradient, before, {1}, /*keepdim=*/true);
    }
    if (k == 0) return;
    after = scratch[k - 1].passing;
    torch::bmm_out(after, before, Weight(parameters, layers_[k]).transpose(1, 2));
  }
}

void BatchedMlp::InputVjp(const torch::Tensor& parameters, const MlpPoint& point,
                          const torch::Tensor& cotangent, torch::Tensor& gradient,
                          int64_t first_input) {
  TransposeWeights(parameters, transposed_);
  InputVjpTransposed(transposed_, point, cotangent, gradient, first_input);
}

void BatchedMlp::TransposeWeights(const torch::Tensor& parameters,
                                  torch::Tensor& transposed) const {
  for (int64_t m = 0; fused() && m < members_; ++m) {
    fused_[0].TransposeWeights(MemberRow(parameters, m), MemberRow(transposed, m));
  }
  for (size_t k = 0; !fused() && k < layers_.size(); ++k) {
    TransposedWeight(transposed, layers_[k]).copy_(Weight(parameters, layers_[k]).transpose(1, 2));
  }
}

void BatchedMlp::InputVjpTransposed(const torch::Tensor& transposed, const MlpPoint& point,
                                    const torch::Tensor& cotangent, torch::Tensor& gradient,
                                    int64_t first_input) {
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].InputVjp(MemberRow(transposed, m), point.fused[m], MemberRow(cotangent, m),
                         {first_input, gradient.size(2)}, MemberRow(gradient, m));
    }
    return;
  }
  const std::vector<LayerScratch>& scratch = Scratch(point.rows());
  torch::Tensor after = cotangent;
  for (size_t k = layers_.size(); k-- > 0;) {
    const torch::Tensor before = BackThroughActivation(point, k, after, scratch[k].passing);
    after = k == 0 ? gradient : scratch[k - 1].passing;
    const torch::Tensor weight = TransposedWeight(transposed, layers_[k]);
    torch::bmm_out(after, before,
                   k == 0 ? weight.narrow(2, first_input, gradient.size(2)) : weight);
  }
}

void BatchedMlp::ParameterJvp(const torch::Tensor& parameters, const MlpPoint& point,
                              const torch::Tensor& tangent, torch::Tensor& derivative) {
  if (fused()) {
    for (int64_t m = 0; m < members_; ++m) {
      fused_[0].ParameterJvp(MemberRow(parameters, m), point.fused[m], MemberRow(tangent, m),
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
    MultiplyByDerivativeOf(layers_[k].activation, point.post[k], to, to);
  }
}

}  // namespace sr2l
