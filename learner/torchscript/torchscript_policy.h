#ifndef SR2L_LEARNER_TORCHSCRIPT_TORCHSCRIPT_POLICY_H_
#define SR2L_LEARNER_TORCHSCRIPT_TORCHSCRIPT_POLICY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/exported_policy/exported_policy.h"

namespace sr2l {

// Writes a TorchScript module whose forward takes observations [..., O] to actions [..., A]. Its
// extra file contract.json has the contract. Unavailable names the file that cannot be written.
absl::Status WriteTorchScript(const ExportedPolicy& policy, const std::string& path);

// What the module in a file makes of `observations`, rows one after the other. InvalidArgument
// when it does not load, or takes no such input. Running a module runs the code that is in it.
absl::StatusOr<std::vector<std::vector<float>>> RunTorchScript(
    const std::string& path, const std::vector<std::vector<float>>& observations);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TORCHSCRIPT_TORCHSCRIPT_POLICY_H_
