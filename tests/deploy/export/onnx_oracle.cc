#include "tests/deploy/export/onnx_oracle.h"

#include <cmath>
#include <stdexcept>

#include "tests/common/wire_reader.h"

namespace sr2l {
namespace {

OnnxModel::Node ReadNode(const std::string& bytes) {
  OnnxModel::Node node;
  for (WireReader field(bytes); field.Next();) {
    if (field.number() == 1) node.inputs.push_back(field.content());
    if (field.number() == 2) node.output = field.content();
    if (field.number() == 4) node.op = field.content();
    if (field.number() == 5) throw std::runtime_error("an attribute, though none is expected");
  }
  return node;
}

void ReadTensor(const std::string& bytes, std::map<std::string, OnnxModel::Tensor>& tensors) {
  OnnxModel::Tensor tensor;
  std::string name;
  uint64_t type = 0;
  size_t count = 1;
  for (WireReader field(bytes); field.Next();) {
    if (field.number() == 1) {
      tensor.dims.push_back(static_cast<int64_t>(field.varint()));
      count *= field.varint();
    }
    if (field.number() == 2) type = field.varint();
    if (field.number() == 8) name = field.content();
    if (field.number() == 9) {
      for (size_t i = 0; i < field.content().size(); i += 4) {
        tensor.values.push_back(NumberAt<float>(field.content(), i));
      }
    }
  }
  if (type != 1 || tensor.values.size() != count) throw std::runtime_error("tensor " + name);
  if (!tensors.emplace(name, tensor).second) throw std::runtime_error("two tensors " + name);
}

OnnxModel::Value ReadValue(const std::string& bytes) {
  OnnxModel::Value value;
  for (WireReader field(bytes); field.Next();) {
    if (field.number() == 1) value.name = field.content();
    if (field.number() != 2) continue;
    WireReader type(field.content());
    if (!type.Next() || type.number() != 1) throw std::runtime_error("no type of " + value.name);
    for (WireReader tensor(type.content()); tensor.Next();) {
      if (tensor.number() == 1 && tensor.varint() != 1) throw std::runtime_error("not float32");
      if (tensor.number() != 2) continue;
      for (WireReader dim(tensor.content()); dim.Next();) {
        WireReader size(dim.content());
        if (!size.Next()) throw std::runtime_error("an empty dimension");
        value.dims.push_back(size.number() == 1 ? std::to_string(size.varint()) : size.content());
      }
    }
  }
  return value;
}

void ReadGraph(const std::string& bytes, OnnxModel& model) {
  for (WireReader field(bytes); field.Next();) {
    if (field.number() == 1) model.nodes.push_back(ReadNode(field.content()));
    if (field.number() == 5) ReadTensor(field.content(), model.initializers);
    if (field.number() == 11) model.inputs.push_back(ReadValue(field.content()));
    if (field.number() == 12) model.outputs.push_back(ReadValue(field.content()));
  }
}

// Fields 1 and 2 of a message.
std::pair<std::string, std::string> ReadPair(const std::string& bytes) {
  std::pair<std::string, std::string> pair;
  for (WireReader field(bytes); field.Next();) {
    if (field.number() == 1) pair.first = field.content();
    if (field.number() == 2) {
      pair.second = field.content().empty() ? std::to_string(field.varint()) : field.content();
    }
  }
  return pair;
}

using Row = std::vector<double>;

// One row: the product with a matrix that has as many rows as x has elements.
Row Gemm(const Row& x, const OnnxModel::Tensor& matrix, const Row& bias) {
  if (matrix.dims.size() != 2 || matrix.dims[0] != static_cast<int64_t>(x.size())) {
    throw std::runtime_error("Gemm of another shape");
  }
  Row y(static_cast<size_t>(matrix.dims[1]));
  for (size_t j = 0; j < y.size(); ++j) {
    y[j] = bias.at(j);
    for (size_t i = 0; i < x.size(); ++i) y[j] += x[i] * matrix.values[i * y.size() + j];
  }
  return y;
}

double Elementwise(const std::string& op, double x, double a, double b) {
  if (op == "Sub") return x - a;
  if (op == "Mul") return x * a;
  if (op == "Add") return x + a;
  if (op == "Clip") return std::fmin(std::fmax(x, a), b);
  if (op == "Tanh") return std::tanh(x);
  if (op == "Relu") return std::fmax(x, 0);
  throw std::runtime_error("operator " + op);
}

}  // namespace

OnnxModel ReadOnnx(const std::string& bytes) {
  OnnxModel model;
  for (WireReader field(bytes); field.Next();) {
    if (field.number() == 1) model.ir_version = static_cast<int64_t>(field.varint());
    if (field.number() == 7) ReadGraph(field.content(), model);
    if (field.number() == 8) {
      const auto opset = ReadPair(field.content());
      model.opsets[opset.first] = std::stoll(opset.second);
    }
    if (field.number() == 14) model.metadata.insert(ReadPair(field.content()));
  }
  return model;
}

std::vector<double> EvaluateOnnx(const OnnxModel& model, const std::vector<double>& observation) {
  std::map<std::string, Row> values = {{model.inputs.at(0).name, observation}};
  for (const auto& [name, tensor] : model.initializers) {
    values[name] = Row(tensor.values.begin(), tensor.values.end());
  }
  for (const OnnxModel::Node& node : model.nodes) {
    Row x = values.at(node.inputs.at(0));
    if (node.op == "Gemm") {
      x = Gemm(x, model.initializers.at(node.inputs.at(1)), values.at(node.inputs.at(2)));
    } else {
      for (size_t i = 0; i < x.size(); ++i) {
        const auto constant = [&](size_t number) {
          if (number >= node.inputs.size()) return 0.0;
          const Row& row = values.at(node.inputs[number]);
          return row.at(row.size() == 1 ? 0 : i);
        };
        x[i] = Elementwise(node.op, x[i], constant(1), constant(2));
      }
    }
    values[node.output] = x;
  }
  return values.at(model.outputs.at(0).name);
}

}  // namespace sr2l
