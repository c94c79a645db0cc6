#ifndef SR2L_DEPLOY_EXPORT_C_HEADER_H_
#define SR2L_DEPLOY_EXPORT_C_HEADER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/exported_policy/exported_policy.h"
#include "deploy/export/contract.pb.h"

namespace sr2l {

// A C99 (and C++) header with the function
//   NAME_act(const float *observation, float *action)
// and all that it needs but <math.h>. `name`: a C identifier.
std::string FormatCHeader(const ExportedPolicy& policy, const exported::Contract& contract,
                          const std::string& name);

// A program that includes "policy.h", a header of FormatCHeader, reads observations from the
// file that its argument names, and prints the actions at each on a line.
std::string FormatCProgram(const std::string& name);

// A C identifier from any text: what is no letter or digit becomes "_".
std::string CIdentifier(absl::string_view text);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_C_HEADER_H_
