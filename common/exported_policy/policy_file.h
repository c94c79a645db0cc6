#ifndef SR2L_COMMON_EXPORTED_POLICY_POLICY_FILE_H_
#define SR2L_COMMON_EXPORTED_POLICY_POLICY_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/exported_policy/exported_policy.h"

namespace sr2l {

// A policy as a safetensors file:
//   policy.<layer>.weight [outputs, inputs], policy.<layer>.bias [outputs], from layer 0;
//   normalization.mean, normalization.scale [O] and normalization.clip [1], where there is one;
//   policy.log_std, of a Gaussian policy;  action.offset, action.half_width [A].
// Its metadata has `activation` (of the hidden layers), `output_activation` and `contract`.
std::string FormatPolicyFile(const ExportedPolicy& policy);

// InvalidArgument names the tensor that is missing or does not fit.
absl::StatusOr<ExportedPolicy> ParsePolicyFile(absl::string_view bytes);

}  // namespace sr2l

#endif  // SR2L_COMMON_EXPORTED_POLICY_POLICY_FILE_H_
