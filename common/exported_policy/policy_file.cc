#include "common/exported_policy/policy_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/exported_policy/safetensors.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// [rows, columns] to [columns, rows].
std::vector<float> Transposed(const std::vector<float>& matrix, int rows, int columns) {
  std::vector<float> transposed(matrix.size());
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      transposed[static_cast<size_t>(j) * rows + i] = matrix[static_cast<size_t>(i) * columns + j];
    }
  }
  return transposed;
}

NamedTensor Vector(const std::string& name, const std::vector<float>& values) {
  return {.name = name, .shape = {static_cast<int64_t>(values.size())}, .values = values};
}

// The values of a tensor of this shape.
absl::StatusOr<std::vector<float>> Take(const TensorFile& file, const std::string& name,
                                        const std::vector<int64_t>& shape) {
  const NamedTensor* tensor = file.Find(name);
  if (tensor == nullptr) return absl::InvalidArgumentError("there is no tensor " + name);
  if (tensor->shape == shape) return tensor->values;
  return absl::InvalidArgumentError(absl::StrCat(name, " must have the shape [",
                                                 absl::StrJoin(shape, ", "), "], got [",
                                                 absl::StrJoin(tensor->shape, ", "), "]"));
}

absl::StatusOr<v1::Activation> TakeActivation(const TensorFile& file, const std::string& key) {
  v1::Activation activation;
  const auto found = file.metadata.find(key);
  if (found != file.metadata.end() && v1::Activation_Parse(found->second, &activation)) {
    return activation;
  }
  return absl::InvalidArgumentError(absl::StrCat("there is no activation in metadata.", key));
}

std::string LayerName(size_t layer) { return absl::StrCat("policy.", layer); }

absl::StatusOr<ExportedPolicy::Layer> TakeLayer(const TensorFile& file, size_t number) {
  const std::string name = LayerName(number);
  const NamedTensor& weight = *file.Find(name + ".weight");
  if (weight.shape.size() != 2 || weight.values.empty()) {
    return absl::InvalidArgumentError(name + ".weight must be a matrix");
  }
  ExportedPolicy::Layer layer;
  layer.outputs = static_cast<int>(weight.shape[0]);
  layer.inputs = static_cast<int>(weight.shape[1]);
  layer.weight = Transposed(weight.values, layer.outputs, layer.inputs);
  SR2L_ASSIGN_OR_RETURN(layer.bias, Take(file, name + ".bias", {layer.outputs}));
  return layer;
}

absl::Status TakeLayers(const TensorFile& file, ExportedPolicy& policy) {
  SR2L_ASSIGN_OR_RETURN(const v1::Activation hidden, TakeActivation(file, "activation"));
  SR2L_ASSIGN_OR_RETURN(const v1::Activation output, TakeActivation(file, "output_activation"));
  while (file.Find(LayerName(policy.layers.size()) + ".weight") != nullptr) {
    SR2L_ASSIGN_OR_RETURN(ExportedPolicy::Layer layer, TakeLayer(file, policy.layers.size()));
    layer.activation = hidden;
    if (!policy.layers.empty() && policy.action_dim() != layer.inputs) {
      return absl::InvalidArgumentError(absl::StrCat(LayerName(policy.layers.size()),
                                                     ".weight must have ", policy.action_dim(),
                                                     " columns, got ", layer.inputs));
    }
    policy.layers.push_back(std::move(layer));
  }
  if (policy.layers.empty())
    return absl::InvalidArgumentError("there is no tensor policy.0.weight");
  policy.layers.back().activation = output;
  return absl::OkStatus();
}

}  // namespace

std::string FormatPolicyFile(const ExportedPolicy& policy) {
  TensorFile file;
  for (size_t i = 0; i < policy.layers.size(); ++i) {
    const ExportedPolicy::Layer& layer = policy.layers[i];
    file.tensors.push_back({.name = LayerName(i) + ".weight",
                            .shape = {layer.outputs, layer.inputs},
                            .values = Transposed(layer.weight, layer.inputs, layer.outputs)});
    file.tensors.push_back(Vector(LayerName(i) + ".bias", layer.bias));
  }
  if (policy.is_normalized()) {
    file.tensors.push_back(Vector("normalization.mean", policy.mean));
    file.tensors.push_back(Vector("normalization.scale", policy.scale));
    file.tensors.push_back(Vector("normalization.clip", {policy.clip}));
  }
  if (!policy.log_std.empty()) file.tensors.push_back(Vector("policy.log_std", policy.log_std));
  file.tensors.push_back(Vector("action.offset", policy.offset));
  file.tensors.push_back(Vector("action.half_width", policy.half_width));
  file.metadata = {{"activation", v1::Activation_Name(policy.layers.front().activation)},
                   {"output_activation", v1::Activation_Name(policy.layers.back().activation)},
                   {"contract", policy.contract}};
  return FormatSafetensors(file);
}

absl::StatusOr<ExportedPolicy> ParsePolicyFile(absl::string_view bytes) {
  SR2L_ASSIGN_OR_RETURN(const TensorFile file, ParseSafetensors(bytes));
  ExportedPolicy policy;
  SR2L_RETURN_IF_ERROR(TakeLayers(file, policy));
  const std::vector<int64_t> actions = {policy.action_dim()};
  SR2L_ASSIGN_OR_RETURN(policy.offset, Take(file, "action.offset", actions));
  SR2L_ASSIGN_OR_RETURN(policy.half_width, Take(file, "action.half_width", actions));
  if (file.Find("normalization.mean") != nullptr) {
    const std::vector<int64_t> observations = {policy.observation_dim()};
    SR2L_ASSIGN_OR_RETURN(policy.mean, Take(file, "normalization.mean", observations));
    SR2L_ASSIGN_OR_RETURN(policy.scale, Take(file, "normalization.scale", observations));
    SR2L_ASSIGN_OR_RETURN(const std::vector<float> clip, Take(file, "normalization.clip", {1}));
    policy.clip = clip.front();
  }
  if (const NamedTensor* log_std = file.Find("policy.log_std")) policy.log_std = log_std->values;
  const auto contract = file.metadata.find("contract");
  if (contract != file.metadata.end()) policy.contract = contract->second;
  return policy;
}

}  // namespace sr2l
