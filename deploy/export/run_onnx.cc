#include "deploy/export/run_onnx.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "deploy/export/onnx_subset.pb.h"

namespace sr2l {
namespace {

// Row by row. Constants of fewer dimensions are one row.
struct Matrix {
  size_t columns = 1;
  std::vector<float> values;

  size_t rows() const { return values.size() / columns; }
};

using Values = std::map<std::string, Matrix>;

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a policy as ONNX: ", what));
}

absl::StatusOr<Matrix> ReadConstant(const onnx::TensorProto& tensor) {
  const size_t count = tensor.raw_data().size() / sizeof(float);
  Matrix matrix;
  if (tensor.dims_size() > 0) matrix.columns = tensor.dims(tensor.dims_size() - 1);
  size_t expected = 1;
  for (const int64_t size : tensor.dims()) expected *= size;
  if (tensor.data_type() != 1 || count != expected || count == 0 || tensor.dims_size() > 2) {
    return Malformed(absl::StrCat("tensor ", tensor.name(), " does not have its shape"));
  }
  matrix.values.resize(count);
  std::memcpy(matrix.values.data(), tensor.raw_data().data(), count * sizeof(float));
  return matrix;
}

Matrix Multiply(const Matrix& a, const Matrix& weight, const Matrix& bias) {
  Matrix product{.columns = weight.columns, .values = {}};
  for (size_t row = 0; row < a.rows(); ++row) {
    for (size_t j = 0; j < weight.columns; ++j) {
      float sum = 0;
      for (size_t i = 0; i < a.columns; ++i) {
        sum += a.values[row * a.columns + i] * weight.values[i * weight.columns + j];
      }
      product.values.push_back(sum + bias.values[j]);
    }
  }
  return product;
}

// op(element, the constant's element of the same column).
template <typename Op>
Matrix PerColumn(Matrix a, const Matrix& constant, Op op) {
  for (size_t i = 0; i < a.values.size(); ++i) {
    a.values[i] = op(a.values[i], constant.values[i % a.columns]);
  }
  return a;
}

template <typename Op>
Matrix PerElement(Matrix a, Op op) {
  for (float& value : a.values) value = op(value);
  return a;
}

// The result of a node whose inputs have the shapes that its operator needs.
absl::StatusOr<Matrix> Run(const std::string& op, const std::vector<const Matrix*>& in) {
  const Matrix& a = *in[0];
  const bool has_row = in.size() == 2 && in[1]->values.size() == a.columns;
  const bool has_two = in.size() == 3;
  if (op == "Sub" && has_row) return PerColumn(a, *in[1], std::minus<float>());
  if (op == "Add" && has_row) return PerColumn(a, *in[1], std::plus<float>());
  if (op == "Mul" && has_row) return PerColumn(a, *in[1], std::multiplies<float>());
  if (op == "Tanh" && in.size() == 1) return PerElement(a, [](float x) { return std::tanh(x); });
  if (op == "Relu" && in.size() == 1)
    return PerElement(a, [](float x) { return std::max(x, 0.0F); });
  if (op == "Clip" && has_two && in[1]->values.size() == 1 && in[2]->values.size() == 1) {
    const float low = in[1]->values[0];
    const float high = in[2]->values[0];
    return PerElement(a, [=](float x) { return std::min(std::max(x, low), high); });
  }
  if (op == "Gemm" && has_two && in[1]->rows() == a.columns &&
      in[2]->values.size() == in[1]->columns) {
    return Multiply(a, *in[1], *in[2]);
  }
  return Malformed(absl::StrCat("operator ", op, " with ", in.size(), " inputs"));
}

}  // namespace

absl::StatusOr<std::vector<float>> RunOnnx(absl::string_view model,
                                           const std::vector<float>& observations) {
  onnx::ModelProto parsed;
  if (!parsed.ParseFromArray(model.data(), static_cast<int>(model.size()))) {
    return Malformed("it does not decode");
  }
  const onnx::GraphProto& graph = parsed.graph();
  Values values;
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    SR2L_ASSIGN_OR_RETURN(values[tensor.name()], ReadConstant(tensor));
  }
  if (graph.input_size() != 1 || graph.output_size() != 1 ||
      graph.input(0).type().tensor_type().shape().dim_size() != 2) {
    return Malformed("it must have one input of two dimensions and one output");
  }
  const int64_t columns = graph.input(0).type().tensor_type().shape().dim(1).dim_value();
  if (columns <= 0 || observations.size() % columns != 0) return Malformed("wrong input size");
  values[graph.input(0).name()] = {.columns = static_cast<size_t>(columns), .values = observations};
  for (const onnx::NodeProto& node : graph.node()) {
    std::vector<const Matrix*> inputs;
    for (const std::string& name : node.input()) {
      const auto found = values.find(name);
      if (found == values.end()) return Malformed("there is no value " + name);
      inputs.push_back(&found->second);
    }
    if (inputs.empty() || node.output_size() != 1) return Malformed("node " + node.name());
    SR2L_ASSIGN_OR_RETURN(values[node.output(0)], Run(node.op_type(), inputs));
  }
  const auto result = values.find(graph.output(0).name());
  if (result == values.end()) return Malformed("its output is never computed");
  return result->second.values;
}

}  // namespace sr2l
