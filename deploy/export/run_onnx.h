#ifndef SR2L_DEPLOY_EXPORT_RUN_ONNX_H_
#define SR2L_DEPLOY_EXPORT_RUN_ONNX_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// The result [N, A] of an ONNX model that FormatOnnx wrote, at observations [N, O]: node after
// node as the graph in the file says. InvalidArgument: no ONNX model, or one with other
// operators than a policy's.
absl::StatusOr<std::vector<float>> RunOnnx(absl::string_view model,
                                           const std::vector<float>& observations);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_RUN_ONNX_H_
