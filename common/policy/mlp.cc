#include "common/policy/mlp.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

static_assert(std::endian::native == std::endian::little, "parameters are read in place");

constexpr int kMaxInputs = 10000;
constexpr int kMaxWidth = 4096;
constexpr int kMaxHiddenLayers = 8;
constexpr int kMaxOutputs = 1000;
constexpr int kNarrow = 16;  // outputs; two vector registers

// The values of one layer for one row. On the stack, so that acting allocates nothing;
// aligned, so that every element takes the same (vectorized or scalar) path each time.
using LayerValues = Eigen::Matrix<float, Eigen::Dynamic, 1, Eigen::ColMajor, kMaxWidth, 1>;
using ConstRow = Eigen::Map<const Eigen::VectorXf>;

absl::Status CheckRange(absl::string_view field, int value, int high) {
  if (value >= 1 && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("network.", field, " must be in [1, ", high, "], got ", value));
}

absl::Status CheckActivation(absl::string_view field, v1::Activation activation) {
  if (activation == v1::TANH || activation == v1::RELU || activation == v1::LINEAR) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("network.", field,
                                                 " must be TANH, RELU or LINEAR, got ",
                                                 v1::Activation_Name(activation)));
}

absl::Status CheckShape(const v1::NetworkShape& shape) {
  SR2L_RETURN_IF_ERROR(CheckRange("inputs", shape.inputs(), kMaxInputs));
  SR2L_RETURN_IF_ERROR(CheckRange("outputs", shape.outputs(), kMaxOutputs));
  if (shape.hidden_size() > kMaxHiddenLayers) {
    return absl::InvalidArgumentError(absl::StrCat("network.hidden must have at most ",
                                                   kMaxHiddenLayers, " layers, got ",
                                                   shape.hidden_size()));
  }
  for (int i = 0; i < shape.hidden_size(); ++i) {
    SR2L_RETURN_IF_ERROR(CheckRange(absl::StrCat("hidden[", i, "]"), shape.hidden(i), kMaxWidth));
  }
  SR2L_RETURN_IF_ERROR(CheckActivation("activation", shape.activation()));
  return CheckActivation("output_activation", shape.output_activation());
}

// Multiplies `cotangent` by the activation's derivative, expressed in its value.
void MultiplyByDerivative(v1::Activation activation, const Eigen::VectorXf& values,
                          LayerValues& cotangent) {
  if (activation == v1::TANH) {
    cotangent.array() *= 1.0f - values.array().square();
  } else if (activation == v1::RELU) {
    cotangent = (values.array() > 0.0f).select(cotangent, 0.0f);
  }
}

}  // namespace

template <typename Input, typename Output>
void Mlp::ApplyLayer(const Layer& layer, const Input& input, Output& output) {
  output = layer.bias;
  if (layer.narrow.size() > 0) {
    output.noalias() += layer.narrow * input;
  } else {
    output.noalias() += layer.weight * input;
  }
  if (layer.activation == v1::TANH) {
    output = output.array().tanh();
  } else if (layer.activation == v1::RELU) {
    output = output.cwiseMax(0.0f);
  }
}

template <typename Cotangent, typename Output>
void Mlp::PullBack(const Layer& layer, const Cotangent& cotangent, Output&& output) {
  if (layer.narrow.size() > 0) {
    output.noalias() = layer.narrow.transpose() * cotangent;
  } else {
    output.noalias() = layer.weight.transpose() * cotangent;
  }
}

int64_t Mlp::NumParameters(const v1::NetworkShape& shape) {
  int64_t count = 0;
  int64_t in = shape.inputs();
  for (const int64_t out : shape.hidden()) {
    count += (in + 1) * out;
    in = out;
  }
  return count + (in + 1) * shape.outputs();
}

absl::StatusOr<Mlp> Mlp::Create(const v1::NetworkShape& shape, absl::string_view parameters) {
  SR2L_RETURN_IF_ERROR(CheckShape(shape));
  const uint64_t expected_bytes = static_cast<uint64_t>(NumParameters(shape)) * sizeof(float);
  if (parameters.size() != expected_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameters must have ", expected_bytes, " bytes for this network, got ",
                     parameters.size()));
  }
  std::vector<Layer> layers;
  const char* next = parameters.data();
  const auto read = [&next](float* values, Eigen::Index count) {
    std::memcpy(values, next, count * sizeof(float));
    next += count * sizeof(float);
  };
  int in = shape.inputs();
  for (int i = 0; i <= shape.hidden_size(); ++i) {
    const bool last = i == shape.hidden_size();
    const int out = last ? shape.outputs() : shape.hidden(i);
    Layer layer{.weight = Eigen::MatrixXf(out, in),
                .narrow = {},
                .bias = Eigen::VectorXf(out),
                .activation = last ? shape.output_activation() : shape.activation()};
    // A weight [in, out] row by row is its transpose [out, in] column by column.
    read(layer.weight.data(), layer.weight.size());
    read(layer.bias.data(), layer.bias.size());
    if (!layer.weight.allFinite() || !layer.bias.allFinite()) {
      return absl::InvalidArgumentError(
          absl::StrCat("parameters of layer ", i, " must be finite"));
    }
    if (out < kNarrow) layer.narrow = layer.weight;
    layers.push_back(std::move(layer));
    in = out;
  }
  return Mlp(shape.inputs(), shape.outputs(), std::move(layers));
}

// Row by row: a matrix product over the batch would sum in an order that depends on the
// batch's size, and at these sizes (weights in the first-level cache) is no faster.
void Mlp::Forward(const float* inputs, int batch, float* outputs) const {
  LayerValues buffers[2];
  for (int row = 0; row < batch; ++row) {
    LayerValues* values = &buffers[0];
    LayerValues* next = &buffers[1];
    ApplyLayer(layers_[0], ConstRow(inputs + int64_t{row} * inputs_, inputs_), *values);
    for (size_t i = 1; i < layers_.size(); ++i) {
      ApplyLayer(layers_[i], *values, *next);
      std::swap(values, next);
    }
    std::memcpy(outputs + int64_t{row} * outputs_, values->data(), outputs_ * sizeof(float));
  }
}

void Mlp::InputGradient(const float* inputs, const float* cotangents, int batch,
                        float* gradient) const {
  std::vector<Eigen::VectorXf> values(layers_.size());
  LayerValues buffers[2];
  for (int row = 0; row < batch; ++row) {
    ApplyLayer(layers_[0], ConstRow(inputs + int64_t{row} * inputs_, inputs_), values[0]);
    for (size_t i = 1; i < layers_.size(); ++i) {
      ApplyLayer(layers_[i], values[i - 1], values[i]);
    }
    LayerValues* cotangent = &buffers[0];
    LayerValues* next = &buffers[1];
    *cotangent = ConstRow(cotangents + int64_t{row} * outputs_, outputs_);
    for (size_t i = layers_.size() - 1; i > 0; --i) {
      MultiplyByDerivative(layers_[i].activation, values[i], *cotangent);
      PullBack(layers_[i], *cotangent, *next);
      std::swap(cotangent, next);
    }
    MultiplyByDerivative(layers_[0].activation, values[0], *cotangent);
    PullBack(layers_[0], *cotangent,
             Eigen::Map<Eigen::VectorXf>(gradient + int64_t{row} * inputs_, inputs_));
  }
}

}  // namespace sr2l
