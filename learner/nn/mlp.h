#ifndef SR2L_LEARNER_NN_MLP_H_
#define SR2L_LEARNER_NN_MLP_H_

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "learner/nn/device_graph.h"
#include "learner/nn/fused_mlp.h"
#include "learner/nn/mlp_point.h"
#include "learner/nn/mlp_shape.h"

namespace sr2l {

// Which code computes: the fused kernels (float32 on the CPU only) or LibTorch's
// operators (any device, float32 or float64). kAuto: fused wherever possible.
enum class MlpBackend { kAuto, kFused, kTorch };

struct MlpPlacement {
  torch::Device device = torch::kCPU;
  torch::Dtype dtype = torch::kFloat32;
  MlpBackend backend = MlpBackend::kAuto;
  DeviceGraphMaker new_graph = NewDeviceGraph;  // for the steps of learning
};

// The networks of M members with one shape: forward pass and explicit derivatives, every
// tensor with the member as its leading dimension. Parameters and directions of them are
// flat, [M, P], P as in MlpShape. A member's part of a tensor is contiguous; members may lie
// any distance apart. B is the point's number of rows.
//
// Nothing here records gradients for autograd. Results are written into tensors of the
// caller; scratch space is allocated at the first use of a number of rows and kept. Not
// thread-safe: one object per thread. With fused kernels the members are computed one by
// one, so the bits of one do not depend on the others.
class BatchedMlp {
 public:
  // Throws std::invalid_argument: no positive width or number of members; kFused without
  // float32 on the CPU; a dtype that is neither float32 nor float64.
  BatchedMlp(const MlpShape& shape, int64_t members, const MlpPlacement& placement);

  const MlpShape& shape() const { return shape_; }
  int64_t members() const { return members_; }
  int64_t num_parameters() const { return num_parameters_; }
  bool fused() const { return !fused_.empty(); }

  // Memory for a forward pass of `rows` rows per member; kKeepPre where differences start.
  enum class Keep { kPost, kPreAndPost };
  MlpPoint NewPoint(int64_t rows, Keep keep = Keep::kPost) const;

  // Fills the point for inputs [M, B, I]; point.outputs() is [M, B, O].
  void Forward(const torch::Tensor& parameters, const torch::Tensor& inputs,
               MlpPoint& point);

  // Fills `moved`, the point where the first J inputs move by delta [M, B, J], J <= I, by
  // differences to `origin` (which must keep pre), and difference = outputs there - outputs at
  // origin, [M, B, O], precise to the dtype however small delta is. moved.inputs becomes
  // inputs + delta, rounded.
  void ForwardDifference(const torch::Tensor& parameters, const MlpPoint& origin,
                         const torch::Tensor& delta, MlpPoint& moved,
                         torch::Tensor& difference);

  // gradient [M, P] = gradient of sum over rows of <cotangent, outputs> in the parameters.
  void ParameterVjp(const torch::Tensor& parameters, const MlpPoint& point,
                    const torch::Tensor& cotangent, torch::Tensor gradient);
  // The same, added to what `gradient` holds.
  void AddParameterVjp(const torch::Tensor& parameters, const MlpPoint& point,
                       const torch::Tensor& cotangent, torch::Tensor gradient);

  // gradient [M, B, J]: row i is the gradient of <cotangent row i, output row i> in the J
  // inputs of row i from `first_input` on.
  void InputVjp(const torch::Tensor& parameters, const MlpPoint& point,
                const torch::Tensor& cotangent, torch::Tensor& gradient, int64_t first_input = 0);

  // For many of them with the same parameters: `transposed` [M, P] has every layer's weight
  // [out, in] at its offset, and in the biases' places nothing of meaning.
  void TransposeWeights(const torch::Tensor& parameters, torch::Tensor& transposed) const;
  void InputVjpTransposed(const torch::Tensor& transposed, const MlpPoint& point,
                          const torch::Tensor& cotangent, torch::Tensor& gradient,
                          int64_t first_input = 0);

  // derivative [M, B, O] of the outputs along `tangent` [M, P], a direction of the
  // parameters.
  void ParameterJvp(const torch::Tensor& parameters, const MlpPoint& point,
                    const torch::Tensor& tangent, torch::Tensor& derivative);

 private:
  // Matrices [M, B, width] of one layer, used by LibTorch's operators only.
  struct LayerScratch {
    torch::Tensor passing;  // a gradient or difference on its way through the layers
    torch::Tensor step;     // a difference before the activation, or a term of the one after it
  };

  std::vector<LayerScratch>& Scratch(int64_t rows);
  void ShiftInputs(const MlpPoint& origin, const torch::Tensor& delta, MlpPoint& moved) const;
  void ParameterVjpInto(FusedMlp::Into into, const torch::Tensor& parameters, const MlpPoint& point,
                        const torch::Tensor& cotangent, torch::Tensor gradient);
  torch::Tensor BackThroughActivation(const MlpPoint& point, size_t layer,
                                      const torch::Tensor& gradient,
                                      const torch::Tensor& scratch) const;
  void ActivateDifferenceOf(const MlpPoint& origin, size_t layer, MlpPoint& moved,
                            torch::Tensor difference);

  const MlpShape shape_;
  const std::vector<MlpLayer> layers_;
  const int64_t members_;
  const int64_t num_parameters_;
  const MlpPlacement placement_;
  std::vector<FusedMlp> fused_;  // one where fused kernels compute, else empty
  torch::Tensor transposed_;     // [M, P], of the last InputVjp
  std::map<int64_t, std::vector<LayerScratch>> scratch_;  // by number of rows
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_MLP_H_
