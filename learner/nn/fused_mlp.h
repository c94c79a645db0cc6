#ifndef SR2L_LEARNER_NN_FUSED_MLP_H_
#define SR2L_LEARNER_NN_FUSED_MLP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "learner/nn/mlp_shape.h"

namespace sr2l {

// One forward pass of one network, in memory of the caller. K layers, layer k of width
// n_k, B rows; every matrix is row-major [B, width].
struct FusedPoint {
  const float* inputs = nullptr;
  int64_t rows = 0;
  // Layer's sums before the activation; empty where nothing needs them, then a forward
  // pass does not keep them.
  std::vector<float*> pre;
  std::vector<float*> post;  // after the activation; the last are the outputs
};

// A matrix [B, width] that stands for the first `width` inputs of B rows.
struct FusedInputs {
  const float* values = nullptr;
  int64_t width = 0;
};

// A network's forward pass and derivatives in float32 on the CPU, without LibTorch: rows
// go through all layers in tiles that stay in the cache. For one member; `parameters` and
// gradients are flat vectors as MlpShape lays them out.
//
// A row's outputs and input gradient do not depend on the other rows; bits depend neither
// on threads nor on the processor. An object keeps scratch space: one thread at a time.
class FusedMlp {
 public:
  // Throws std::invalid_argument for a shape without positive widths.
  explicit FusedMlp(const MlpShape& shape);

  // Fills point's pre (if kept) and post from its inputs.
  void Forward(const float* parameters, const FusedPoint& point);

  // The point where the first `width` inputs move by delta [B, width], by differences to
  // `origin` (which must keep pre), so that difference = outputs there - outputs at origin is
  // precise to float32 however small delta is. Fills moved's post; difference [B, outputs].
  void ForwardDifference(const float* parameters, const FusedPoint& origin,
                         const FusedInputs& delta, const FusedPoint& moved, float* difference);

  // gradient = sum over rows of the gradient of <cotangent row, output row> in the
  // parameters, at a point that a forward pass filled. cotangent [B, outputs]. kAdd: onto
  // what `gradient` holds.
  enum class Into { kSet, kAdd };
  void ParameterVjp(const float* parameters, const FusedPoint& point, const float* cotangent,
                    float* gradient, Into into = Into::kSet);

  // Every layer's weight transposed, [out, in], at its offset; biases are left out.
  void TransposeWeights(const float* parameters, float* transposed) const;

  // Row i of gradient [B, count]: of <cotangent row i, output row i> in the inputs `first`
  // to first + count - 1 of row i. Takes transposed weights.
  struct InputRange {
    int64_t first = 0;
    int64_t count = 0;
  };
  void InputVjp(const float* transposed, const FusedPoint& point, const float* cotangent,
                const InputRange& range, float* gradient);

  // outputs' [B, outputs] derivative along `tangent`, a direction of the parameters.
  void ParameterJvp(const float* parameters, const FusedPoint& point, const float* tangent,
                    float* derivative);

 private:
  // Both derivatives walk back through the layers; they differ in what they keep.
  const float* BackThroughActivation(const FusedPoint& point, size_t layer, int64_t first,
                                     int64_t rows, const float* gradient, float* scratch) const;
  void ParameterVjpTile(const FusedPoint& point, int64_t first, int64_t rows,
                        const float* cotangent, float* gradient, Into into);
  void InputVjpTile(const float* transposed, const FusedPoint& point, int64_t first, int64_t rows,
                    const float* cotangent, const InputRange& range, float* gradient);
  // A scratch buffer that is not `used`.
  float* Other(const float* used);

  const std::vector<MlpLayer> layers_;
  std::vector<float> transposed_;  // as TransposeWeights leaves them
  std::vector<float> scratch_[2];  // a tile of the widest layer
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_FUSED_MLP_H_
