#ifndef SR2L_DEPLOY_EXPORT_ONNX_MODEL_H_
#define SR2L_DEPLOY_EXPORT_ONNX_MODEL_H_

#include <string>

#include "common/exported_policy/exported_policy.h"

namespace sr2l {

// The bytes of an ONNX model (opset 13, IR version 7): input `observation` [batch, O], output
// `action` [batch, A], float32. Its metadata has `contract`.
std::string FormatOnnx(const ExportedPolicy& policy);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_ONNX_MODEL_H_
