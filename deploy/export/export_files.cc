#include "deploy/export/export_files.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/digest/sha256.h"
#include "common/exported_policy/policy_file.h"
#include "common/files/atomic_write.h"
#include "common/status/status_macros.h"
#include "deploy/export/c_header.h"
#include "deploy/export/contract_json.h"
#include "deploy/export/onnx_model.h"
#include "deploy/export/program_output.h"
#include "deploy/export/run_onnx.h"

namespace sr2l {
namespace {

// Long enough for LibTorch on a cold disk.
constexpr absl::Duration kProgramLimit = absl::Minutes(2);

std::string TorchScriptProgram(const std::string& binaries) {
  return binaries + "/sr2l-torchscript";
}

absl::StatusOr<std::string> FormatTorchScript(const ExportedPolicy& policy,
                                              const std::string& binaries) {
  SR2L_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Create());
  const std::string input = scratch / "policy.safetensors";
  const std::string output = scratch / "policy.pt";
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(input, FormatPolicyFile(policy)));
  SR2L_RETURN_IF_ERROR(
      ProgramOutput(TorchScriptProgram(binaries), {"write", input, output}, kProgramLimit)
          .status());
  return ReadWholeFile(output);
}

absl::StatusOr<std::string> Format(const PolicyExport& policy, const exported::Contract& contract,
                                   const std::string& binaries) {
  if (contract.format() == "onnx") return FormatOnnx(policy.policy());
  if (contract.format() == "safetensors") return FormatPolicyFile(policy.policy());
  if (contract.format() == "torchscript") return FormatTorchScript(policy.policy(), binaries);
  return FormatCHeader(policy.policy(), contract, contract.prefix());
}

// The controls of a policy at a file's observations; N vectors.
absl::StatusOr<std::vector<float>> RunSafetensors(const std::string& content,
                                                  const Vectors& vectors) {
  SR2L_ASSIGN_OR_RETURN(const ExportedPolicy policy, ParsePolicyFile(content));
  if (policy.observation_dim() != vectors.observation_dim) {
    return absl::InvalidArgumentError("the vectors are of another policy");
  }
  std::vector<float> controls;
  for (size_t row = 0; row < vectors.count(); ++row) {
    for (const double control :
         ExactControls(policy, vectors.observations.data() + row * vectors.observation_dim)) {
      controls.push_back(static_cast<float>(control));
    }
  }
  return controls;
}

absl::StatusOr<std::vector<float>> RunTorchScript(const std::string& path, const Vectors& vectors,
                                                  const std::string& binaries) {
  SR2L_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Create());
  const std::string input = scratch / "observations";
  SR2L_RETURN_IF_ERROR(
      WriteFileAtomically(input, FormatRows(vectors.observations, vectors.observation_dim)));
  SR2L_ASSIGN_OR_RETURN(
      const std::string output,
      ProgramOutput(TorchScriptProgram(binaries), {"run", path, input}, kProgramLimit));
  return ParseNumbers(output, vectors.controls.size());
}

absl::StatusOr<std::vector<float>> RunC(const std::string& content, const std::string& prefix,
                                        const Vectors& vectors) {
  SR2L_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Create());
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(scratch / "policy.h", content));
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(scratch / "main.c", FormatCProgram(prefix)));
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(
      scratch / "observations", FormatRows(vectors.observations, vectors.observation_dim)));
  const char* chosen = std::getenv("CC");
  const std::string compiler = chosen != nullptr && *chosen != '\0' ? chosen : "cc";
  const absl::Status compiled = ProgramOutput("/usr/bin/env",
                                              {compiler, "-std=c99", "-O1", "-o",
                                               scratch / "policy", scratch / "main.c", "-lm"},
                                              kProgramLimit)
                                    .status();
  if (!compiled.ok()) {
    return absl::Status(compiled.code(), absl::StrCat("it cannot be compiled with ", compiler,
                                                      " ($CC): ", compiled.message()));
  }
  SR2L_ASSIGN_OR_RETURN(
      const std::string output,
      ProgramOutput(scratch / "policy", {scratch / "observations"}, kProgramLimit));
  return ParseNumbers(output, vectors.controls.size());
}

absl::StatusOr<std::vector<float>> Run(const std::string& path, const std::string& content,
                                       const exported::Contract& contract, const Vectors& vectors,
                                       const std::string& binaries) {
  if (contract.format() == "onnx") return RunOnnx(content, vectors.observations);
  if (contract.format() == "safetensors") return RunSafetensors(content, vectors);
  if (contract.format() == "torchscript") return RunTorchScript(path, vectors, binaries);
  if (contract.format() == "c") return RunC(content, CIdentifier(contract.prefix()), vectors);
  return absl::InvalidArgumentError(absl::StrCat("unknown format \"", contract.format(), "\""));
}

absl::StatusOr<Verification> Compare(const Vectors& vectors, const std::vector<float>& controls,
                                     const exported::Contract& contract) {
  if (controls.size() != vectors.controls.size()) {
    return absl::DataLossError(absl::StrCat("it gives ", controls.size(), " numbers instead of ",
                                            vectors.controls.size()));
  }
  Verification result{.vectors = vectors.count(), .tolerance = contract.tolerance()};
  for (size_t i = 0; i < controls.size(); ++i) {
    const exported::Action& action = contract.action(static_cast<int>(i) % vectors.action_dim);
    const double half_width = (action.high() - action.low()) / 2;
    const double difference =
        std::abs(static_cast<double>(controls[i]) - vectors.controls[i]) / half_width;
    if (!(difference <= contract.tolerance())) {  // NaN fails too
      return absl::DataLossError(
          absl::StrCat("vector ", i / vectors.action_dim, ": ", action.name(), " is ", controls[i],
                       " instead of ", vectors.controls[i], ", which is ", difference,
                       " of half its range; allowed: ", contract.tolerance()));
    }
    result.greatest_difference = std::max(result.greatest_difference, difference);
  }
  return result;
}

absl::Status Named(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

absl::StatusOr<Verification> Verify(const std::string& path, const std::string& content,
                                    const std::string& binaries) {
  SR2L_ASSIGN_OR_RETURN(const std::string json, ReadWholeFile(ContractPath(path)));
  SR2L_ASSIGN_OR_RETURN(const exported::Contract contract, ParseContract(json));
  if (Sha256Hex(content) != contract.file_sha256()) {
    return absl::DataLossError("it is not the file that its contract was written with (SHA-256)");
  }
  SR2L_ASSIGN_OR_RETURN(const std::string csv, ReadWholeFile(VectorsPath(path)));
  const absl::StatusOr<Vectors> vectors = ParseVectors(csv);
  if (!vectors.ok()) return Named(VectorsPath(path), vectors.status());
  if (Sha256Hex(csv) != contract.vectors_sha256()) {
    return absl::DataLossError(absl::StrCat(VectorsPath(path),
                                            " is not the file that its contract was written with "
                                            "(SHA-256)"));
  }
  if (vectors->observation_dim != contract.observation_dim() ||
      vectors->action_dim != contract.action_dim()) {
    return absl::DataLossError("its vectors are of another policy");
  }
  SR2L_ASSIGN_OR_RETURN(const std::vector<float> controls,
                        Run(path, content, contract, *vectors, binaries));
  return Compare(*vectors, controls, contract);
}

}  // namespace

std::vector<std::string> ExportFormats() { return {"onnx", "torchscript", "safetensors", "c"}; }

std::string ExtensionOf(absl::string_view format) {
  if (format == "torchscript") return ".pt";
  if (format == "c") return ".h";
  return absl::StrCat(".", format);
}

std::string ContractPath(const std::string& path) { return path + ".contract.json"; }
std::string VectorsPath(const std::string& path) { return path + ".vectors.csv"; }

absl::Status WriteExport(const PolicyExport& policy, const std::string& format,
                         const std::string& path, const std::string& binaries) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat("--out must be a file, ", path,
                                                   " is a folder"));
  }
  exported::Contract contract = policy.contract();
  contract.set_format(format);
  if (format == "c") {
    contract.set_prefix(CIdentifier(std::filesystem::path(path).stem().string()));
  }
  SR2L_ASSIGN_OR_RETURN(const std::string content, Format(policy, contract, binaries));
  contract.set_file_sha256(Sha256Hex(content));
  const std::string vectors = FormatVectors(policy.vectors());
  contract.set_vectors_sha256(Sha256Hex(vectors));
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(VectorsPath(path), vectors));
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(ContractPath(path), FormatContract(contract)));
  return WriteFileAtomically(path, content);
}

absl::StatusOr<Verification> VerifyExport(const std::string& path, const std::string& binaries) {
  SR2L_ASSIGN_OR_RETURN(const std::string content, ReadWholeFile(path));
  absl::StatusOr<Verification> result = Verify(path, content, binaries);
  if (!result.ok()) return Named(path, result.status());
  return result;
}

}  // namespace sr2l
