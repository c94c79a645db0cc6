#ifndef SR2L_DEPLOY_EXPORT_EXPORT_FILES_H_
#define SR2L_DEPLOY_EXPORT_EXPORT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "deploy/export/policy_export.h"

namespace sr2l {

// Formats of exported policies, as the command and the contract call them.
std::vector<std::string> ExportFormats();

// ".onnx", ".pt", ".safetensors", ".h".
std::string ExtensionOf(absl::string_view format);

// What lies beside an exported file.
std::string ContractPath(const std::string& path);
std::string VectorsPath(const std::string& path);

// Writes a policy to `path`, in the folder that must exist, its contract and its vectors.
// `binaries`: folder of sr2l-torchscript. Each file is written whole or not at all.
absl::Status WriteExport(const PolicyExport& policy, const std::string& format,
                         const std::string& path, const std::string& binaries);

struct Verification {
  size_t vectors = 0;
  double greatest_difference = 0;  // of a control, as a share of half its range
  double tolerance = 0;
};

// Runs an exported file at its vectors' observations. A C header is compiled with cc, or $CC.
// DataLoss: it is not the file that was written, or gives other actions than its vectors say.
absl::StatusOr<Verification> VerifyExport(const std::string& path, const std::string& binaries);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_EXPORT_FILES_H_
