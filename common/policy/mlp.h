#ifndef SR2L_COMMON_POLICY_MLP_H_
#define SR2L_COMMON_POLICY_MLP_H_

#include <Eigen/Core>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// A fully connected network for inference in float32, with Eigen alone. Immutable and
// safe to share between threads. A row's result does not depend on the other rows.
class Mlp {
 public:
  struct Layer {
    Eigen::MatrixXf weight;  // [out, in]
    // The same row by row, for layers with so few outputs that its columns would fill no
    // vector register; else empty.
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> narrow;
    Eigen::VectorXf bias;  // [out]
    v1::Activation activation;
  };

  // `parameters`: little-endian float32, laid out as in NetworkShape. InvalidArgument
  // when the shape is out of bounds (10000 inputs, 8 hidden layers of 4096, 1000 outputs),
  // an activation is unset, the size does not match or a number is not finite.
  static absl::StatusOr<Mlp> Create(const v1::NetworkShape& shape, absl::string_view parameters);

  // Number of parameters of a network of this shape, which Create would accept.
  static int64_t NumParameters(const v1::NetworkShape& shape);

  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }
  const std::vector<Layer>& layers() const { return layers_; }  // first to last

  // Rows of `inputs` [B, inputs] to rows of `outputs` [B, outputs], both row-major.
  void Forward(const float* inputs, int batch, float* outputs) const;

  // Row i of `gradient` [B, inputs] is the gradient of <cotangent row i, output row i>
  // in input row i.
  void InputGradient(const float* inputs, const float* cotangents, int batch,
                     float* gradient) const;

 private:
  // output = activation(weight * input + bias).
  template <typename Input, typename Output>
  static void ApplyLayer(const Layer& layer, const Input& input, Output& output);

  // output = weight^T * cotangent.
  template <typename Cotangent, typename Output>
  static void PullBack(const Layer& layer, const Cotangent& cotangent, Output&& output);

  Mlp(int inputs, int outputs, std::vector<Layer> layers)
      : inputs_(inputs), outputs_(outputs), layers_(std::move(layers)) {}

  int inputs_;
  int outputs_;
  std::vector<Layer> layers_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_POLICY_MLP_H_
