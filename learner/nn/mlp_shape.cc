#include "learner/nn/mlp_shape.h"

#include <stdexcept>
#include <string>

namespace sr2l {

std::vector<MlpLayer> Layers(const MlpShape& shape) {
  std::vector<int64_t> widths = {shape.inputs};
  widths.insert(widths.end(), shape.hidden.begin(), shape.hidden.end());
  widths.push_back(shape.outputs);

  std::vector<MlpLayer> layers;
  int64_t offset = 0;
  for (size_t k = 0; k + 1 < widths.size(); ++k) {
    const int64_t inputs = widths[k];
    const int64_t outputs = widths[k + 1];
    if (inputs <= 0 || outputs <= 0) {
      throw std::invalid_argument("a network's layer must have a positive width, got " +
                                  std::to_string(inputs <= 0 ? inputs : outputs));
    }
    const bool last = k + 2 == widths.size();
    layers.push_back({.inputs = inputs,
                      .outputs = outputs,
                      .weight = offset,
                      .bias = offset + inputs * outputs,
                      .activation = last ? shape.output_activation : shape.activation});
    offset += (inputs + 1) * outputs;
  }
  return layers;
}

int64_t NumParameters(const MlpShape& shape) {
  const MlpLayer last = Layers(shape).back();
  return last.bias + last.outputs;
}

}  // namespace sr2l
