#include "learner/nn/fused_mlp.h"

#include <algorithm>

#include "learner/nn/activation_kernels.h"
#include "learner/nn/multiply.h"

namespace sr2l {
namespace {

// Rows that go through all layers together: sixteen blocks of six rows. Part of the
// result's bits, because a parameter's gradient is summed tile by tile.
constexpr int64_t kTile = 96;

template <typename Body>
void ForEachTile(int64_t rows, const Body& body) {
  for (int64_t first = 0; first < rows; first += kTile) {
    body(first, std::min(kTile, rows - first));
  }
}

// Row `first` of what layer k reads.
const float* LayerInput(const FusedPoint& point, const MlpLayer& layer, size_t k,
                        int64_t first) {
  return (k == 0 ? point.inputs : point.post[k - 1]) + first * layer.inputs;
}

ProductTerm RowMajor(const float* a, int64_t depth, const float* b) {
  return {.a = a, .a_row_stride = depth, .a_column_stride = 1, .b = b, .depth = depth};
}

}  // namespace

FusedMlp::FusedMlp(const MlpShape& shape)
    : layers_(Layers(shape)), transposed_(NumParameters(shape)) {
  int64_t widest = 0;
  for (const MlpLayer& layer : layers_) widest = std::max({widest, layer.inputs, layer.outputs});
  for (std::vector<float>& scratch : scratch_) scratch.resize(kTile * widest);
}

float* FusedMlp::Other(const float* used) {
  return used == scratch_[0].data() ? scratch_[1].data() : scratch_[0].data();
}

void FusedMlp::Forward(const float* parameters, const FusedPoint& point) {
  ForEachTile(point.rows, [&](int64_t first, int64_t rows) {
    for (size_t k = 0; k < layers_.size(); ++k) {
      const MlpLayer& layer = layers_[k];
      const int64_t offset = first * layer.outputs;
      float* post = point.post[k] + offset;
      float* pre = point.pre.empty() ? post : point.pre[k] + offset;
      SumOfProducts({RowMajor(LayerInput(point, layer, k, first), layer.inputs,
                              parameters + layer.weight)},
                    ProductStart::kBias, parameters + layer.bias, {pre, rows, layer.outputs});
      Activate(layer.activation, rows * layer.outputs, pre, post);
    }
  });
}

void FusedMlp::ForwardDifference(const float* parameters, const FusedPoint& origin,
                                 const FusedInputs& delta, const FusedPoint& moved,
                                 float* difference) {
  ForEachTile(origin.rows, [&](int64_t first, int64_t rows) {
    const float* from = delta.values + first * delta.width;
    for (size_t k = 0; k < layers_.size(); ++k) {
      const MlpLayer& layer = layers_[k];
      const int64_t offset = first * layer.outputs;
      float* to = k + 1 == layers_.size() ? difference + offset : Other(from);
      const int64_t depth = k == 0 ? delta.width : layer.inputs;
      SumOfProducts({RowMajor(from, depth, parameters + layer.weight)}, ProductStart::kZero,
                    nullptr, {to, rows, layer.outputs});
      ActivateDifference(layer.activation, rows * layer.outputs, origin.pre[k] + offset,
                         origin.post[k] + offset, to, moved.post[k] + offset);
      from = to;
    }
  });
}

void FusedMlp::TransposeWeights(const float* parameters, float* transposed) const {
  for (const MlpLayer& layer : layers_) {
    Transpose(parameters + layer.weight, layer.inputs, layer.outputs, transposed + layer.weight);
  }
}

// The gradient before the activation of `layer`, given the one after it: in `scratch`, or
// the given one where the activation changes nothing.
const float* FusedMlp::BackThroughActivation(const FusedPoint& point, size_t k, int64_t first,
                                             int64_t rows, const float* gradient,
                                             float* scratch) const {
  const MlpLayer& layer = layers_[k];
  if (layer.activation == Activation::kLinear) return gradient;
  const int64_t count = rows * layer.outputs;
  if (gradient != scratch) std::copy_n(gradient, count, scratch);
  MultiplyByDerivative(layer.activation, count, point.post[k] + first * layer.outputs, scratch);
  return scratch;
}

void FusedMlp::ParameterVjpTile(const FusedPoint& point, int64_t first, int64_t rows,
                                const float* cotangent, float* gradient, Into into) {
  const bool accumulate = first > 0 || into == Into::kAdd;
  const size_t last = layers_.size() - 1;
  const float* after = cotangent + first * layers_[last].outputs;
  float* scratch = scratch_[0].data();
  for (size_t k = last + 1; k-- > 0;) {
    const MlpLayer& layer = layers_[k];
    const float* before = BackThroughActivation(point, k, first, rows, after, scratch);
    const ProductTerm outer = {.a = LayerInput(point, layer, k, first),
                               .a_row_stride = 1,
                               .a_column_stride = layer.inputs,
                               .b = before,
                               .depth = rows};
    SumOfProducts({outer}, accumulate ? ProductStart::kTarget : ProductStart::kZero, nullptr,
                  {gradient + layer.weight, layer.inputs, layer.outputs});
    SumRows(before, rows, layer.outputs, accumulate, gradient + layer.bias);
    if (k == 0) return;
    scratch = Other(before);
    SumOfProducts({RowMajor(before, layer.outputs, transposed_.data() + layer.weight)},
                  ProductStart::kZero, nullptr, {scratch, rows, layer.inputs});
    after = scratch;
  }
}

void FusedMlp::ParameterVjp(const float* parameters, const FusedPoint& point,
                            const float* cotangent, float* gradient, Into into) {
  for (size_t k = 1; k < layers_.size(); ++k) {
    Transpose(parameters + layers_[k].weight, layers_[k].inputs, layers_[k].outputs,
              transposed_.data() + layers_[k].weight);
  }
  ForEachTile(point.rows, [&](int64_t first, int64_t rows) {
    ParameterVjpTile(point, first, rows, cotangent, gradient, into);
  });
}

void FusedMlp::InputVjpTile(const float* transposed, const FusedPoint& point, int64_t first,
                            int64_t rows, const float* cotangent, const InputRange& range,
                            float* gradient) {
  const size_t last = layers_.size() - 1;
  const float* after = cotangent + first * layers_[last].outputs;
  float* scratch = scratch_[0].data();
  for (size_t k = last + 1; k-- > 0;) {
    const MlpLayer& layer = layers_[k];
    const float* before = BackThroughActivation(point, k, first, rows, after, scratch);
    scratch = k == 0 ? gradient + first * range.count : Other(before);
    ProductTerm term = RowMajor(before, layer.outputs, transposed + layer.weight);
    term.b_row_stride = layer.inputs;
    if (k == 0) term.b += range.first;
    SumOfProducts({term}, ProductStart::kZero, nullptr,
                  {scratch, rows, k == 0 ? range.count : layer.inputs});
    after = scratch;
  }
}

void FusedMlp::InputVjp(const float* transposed, const FusedPoint& point, const float* cotangent,
                        const InputRange& range, float* gradient) {
  ForEachTile(point.rows, [&](int64_t first, int64_t rows) {
    InputVjpTile(transposed, point, first, rows, cotangent, range, gradient);
  });
}

void FusedMlp::ParameterJvp(const float* parameters, const FusedPoint& point,
                            const float* tangent, float* derivative) {
  ForEachTile(point.rows, [&](int64_t first, int64_t rows) {
    const float* from = nullptr;
    for (size_t k = 0; k < layers_.size(); ++k) {
      const MlpLayer& layer = layers_[k];
      const int64_t offset = first * layer.outputs;
      float* to = k + 1 == layers_.size() ? derivative + offset : Other(from);
      const ProductTerm moved_weight =
          RowMajor(LayerInput(point, layer, k, first), layer.inputs, tangent + layer.weight);
      const ProductTerm moved_input =
          RowMajor(from, layer.inputs, parameters + layer.weight);
      const ProductTarget target = {to, rows, layer.outputs};
      if (k == 0) {
        SumOfProducts({moved_weight}, ProductStart::kBias, tangent + layer.bias, target);
      } else {
        SumOfProducts({moved_weight, moved_input}, ProductStart::kBias, tangent + layer.bias,
                      target);
      }
      MultiplyByDerivative(layer.activation, rows * layer.outputs, point.post[k] + offset, to);
      from = to;
    }
  });
}

}  // namespace sr2l
