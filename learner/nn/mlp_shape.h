#ifndef SR2L_LEARNER_NN_MLP_SHAPE_H_
#define SR2L_LEARNER_NN_MLP_SHAPE_H_

#include <cstdint>
#include <vector>

namespace sr2l {

enum class Activation { kTanh, kRelu, kLinear };

// A fully connected network. Its parameters are one flat vector: per layer the weight
// [in, out] row-major, then the bias [out].
struct MlpShape {
  int64_t inputs = 0;
  std::vector<int64_t> hidden;  // widths; may be empty
  int64_t outputs = 0;
  Activation activation = Activation::kTanh;           // of the hidden layers
  Activation output_activation = Activation::kLinear;  // of the last layer
};

// Where one layer lies in the flat parameter vector.
struct MlpLayer {
  int64_t inputs = 0;
  int64_t outputs = 0;
  int64_t weight = 0;  // offset of the weight
  int64_t bias = 0;    // offset of the bias
  Activation activation = Activation::kLinear;
};

// First to last. Throws std::invalid_argument when a width is not positive.
std::vector<MlpLayer> Layers(const MlpShape& shape);

// Length of the flat parameter vector.
int64_t NumParameters(const MlpShape& shape);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_MLP_SHAPE_H_
