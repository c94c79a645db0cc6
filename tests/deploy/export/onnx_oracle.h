#ifndef SR2L_TESTS_DEPLOY_EXPORT_ONNX_ORACLE_H_
#define SR2L_TESTS_DEPLOY_EXPORT_ONNX_ORACLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sr2l {

// An ONNX model read from the wire, without any of the code that writes it.
struct OnnxModel {
  struct Node {
    std::string op;
    std::vector<std::string> inputs;
    std::string output;
  };
  struct Tensor {
    std::vector<int64_t> dims;
    std::vector<float> values;
  };
  struct Value {  // an input or output of the graph
    std::string name;
    std::vector<std::string> dims;  // "batch" or a number
  };

  int64_t ir_version = 0;
  std::map<std::string, int64_t> opsets;
  std::map<std::string, std::string> metadata;
  std::vector<Node> nodes;
  std::map<std::string, Tensor> initializers;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
};

// Throws std::runtime_error for what is no model of float32 tensors.
OnnxModel ReadOnnx(const std::string& bytes);

// The output of the model for one observation, in double precision. Throws for an operator that
// is not defined here, and for a value that does not exist.
std::vector<double> EvaluateOnnx(const OnnxModel& model, const std::vector<double>& observation);

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_EXPORT_ONNX_ORACLE_H_
