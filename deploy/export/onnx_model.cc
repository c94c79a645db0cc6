#include "deploy/export/onnx_model.h"

#include <bit>
#include <vector>

#include "absl/strings/str_cat.h"
#include "deploy/export/onnx_subset.pb.h"

namespace sr2l {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

constexpr int kIrVersion = 7;  // of ONNX 1.8, which brought opset 13
constexpr int kOpset = 13;
constexpr int kFloat32 = 1;

// A graph that is a chain: each operator takes the last one's result and some constants.
class ChainBuilder {
 public:
  explicit ChainBuilder(onnx::GraphProto& graph) : graph_(graph), last_("observation") {}

  // The name of a constant of this shape.
  std::string Constant(const std::string& name, const std::vector<int64_t>& shape,
                       const std::vector<float>& values) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    for (const int64_t size : shape) tensor.add_dims(size);
    tensor.set_data_type(kFloat32);
    tensor.set_name(name);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));
    return name;
  }
  std::string Vector(const std::string& name, const std::vector<float>& values) {
    return Constant(name, {static_cast<int64_t>(values.size())}, values);
  }

  void Apply(const std::string& op, const std::vector<std::string>& constants,
             const std::string& result) {
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type(op);
    node.set_name(result);
    node.add_input(last_);
    for (const std::string& constant : constants) node.add_input(constant);
    node.add_output(result);
    last_ = result;
  }

 private:
  onnx::GraphProto& graph_;
  std::string last_;
};

void DeclareMatrix(onnx::ValueInfoProto& value, const std::string& name, int columns) {
  value.set_name(name);
  auto& tensor = *value.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(kFloat32);
  tensor.mutable_shape()->add_dim()->set_dim_param("batch");
  tensor.mutable_shape()->add_dim()->set_dim_value(columns);
}

void AddNormalization(const ExportedPolicy& policy, ChainBuilder& chain) {
  chain.Apply("Sub", {chain.Vector("normalization.mean", policy.mean)}, "centred");
  chain.Apply("Mul", {chain.Vector("normalization.scale", policy.scale)}, "scaled");
  chain.Apply("Clip",
              {chain.Constant("normalization.low", {}, {-policy.clip}),
               chain.Constant("normalization.high", {}, {policy.clip})},
              "normalized");
}

void AddLayer(const ExportedPolicy::Layer& layer, const std::string& name, ChainBuilder& chain) {
  const std::string weight =
      chain.Constant(name + ".weight", {layer.inputs, layer.outputs}, layer.weight);
  chain.Apply("Gemm", {weight, chain.Vector(name + ".bias", layer.bias)}, name + ".sum");
  if (layer.activation == v1::TANH) chain.Apply("Tanh", {}, name + ".tanh");
  if (layer.activation == v1::RELU) chain.Apply("Relu", {}, name + ".relu");
}

void AddActionMap(const ExportedPolicy& policy, ChainBuilder& chain) {
  chain.Apply("Clip",
              {chain.Constant("action.low", {}, {-1}), chain.Constant("action.high", {}, {1})},
              "clipped");
  chain.Apply("Mul", {chain.Vector("action.half_width", policy.half_width)}, "stretched");
  chain.Apply("Add", {chain.Vector("action.offset", policy.offset)}, "action");
}

}  // namespace

std::string FormatOnnx(const ExportedPolicy& policy) {
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("sr2l");
  model.add_opset_import()->set_version(kOpset);
  model.mutable_opset_import(0)->set_domain("");
  onnx::StringStringEntryProto& contract = *model.add_metadata_props();
  contract.set_key("contract");
  contract.set_value(policy.contract);

  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("policy");
  DeclareMatrix(*graph.add_input(), "observation", policy.observation_dim());
  DeclareMatrix(*graph.add_output(), "action", policy.action_dim());
  ChainBuilder chain(graph);
  if (policy.is_normalized()) AddNormalization(policy, chain);
  for (size_t i = 0; i < policy.layers.size(); ++i) {
    AddLayer(policy.layers[i], absl::StrCat("policy.", i), chain);
  }
  AddActionMap(policy, chain);
  return model.SerializeAsString();
}

}  // namespace sr2l
