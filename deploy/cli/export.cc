// sr2l export and verify: policies for use elsewhere.

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/text.h"
#include "deploy/cli/this_program.h"
#include "deploy/cli/trained_members.h"
#include "deploy/export/export_files.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

struct ExportFlags {
  std::string run;
  uint32_t member = 0;
  std::string format;
  std::string policy = "final";  // or a version
  std::string out;               // empty: in the run's folder
};

absl::StatusOr<PolicyExport> ReadPolicy(const ExportFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const v1::ExperimentConfig config, ReadRunExperiment(flags.run));
  SR2L_ASSIGN_OR_RETURN(
      const v1::TrainedMember member,
      ReadTrainedMember(flags.run, config, flags.member, ParsePolicyChoice(flags.policy)));
  absl::StatusOr<PolicyExport> policy = PolicyExport::Create(member, config.task());
  if (policy.ok()) return policy;
  return absl::Status(policy.status().code(),
                      absl::StrCat("member ", flags.member, ": ", policy.status().message()));
}

std::string DefaultPath(const ExportFlags& flags, const PolicyExport& policy) {
  const std::string version = ParsePolicyChoice(flags.policy).has_value()
                                  ? absl::StrCat("_version_", policy.contract().policy_version())
                                  : "";
  return (fs::path(flags.run) / "exports" /
          absl::StrFormat("%s_member_%03d%s%s", policy.contract().task(), flags.member, version,
                          ExtensionOf(flags.format)))
      .string();
}

absl::Status Export(const ExportFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const std::string binaries, FolderOfThisProgram());
  SR2L_ASSIGN_OR_RETURN(const PolicyExport policy, ReadPolicy(flags));
  const std::string path = flags.out.empty() ? DefaultPath(flags, policy) : flags.out;
  const fs::path folder = fs::path(path).parent_path();
  std::error_code error;
  if (!folder.empty()) fs::create_directories(folder, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(),
                               absl::StrCat("cannot make the folder ", folder.string()));
  }
  SR2L_RETURN_IF_ERROR(WriteExport(policy, flags.format, path, binaries));
  std::cout << "policy:   " << path << "\ncontract: " << ContractPath(path)
            << "\nvectors:  " << VectorsPath(path) << std::endl;
  return absl::OkStatus();
}

absl::Status Verify(const std::string& path) {
  SR2L_ASSIGN_OR_RETURN(const std::string binaries, FolderOfThisProgram());
  SR2L_ASSIGN_OR_RETURN(const Verification result, VerifyExport(path, binaries));
  std::cout << path << ": " << result.vectors
            << " vectors agree; the greatest difference of an action is "
            << FormatNumber(result.greatest_difference)
            << " of half its range (allowed: " << FormatNumber(result.tolerance) << ")"
            << std::endl;
  return absl::OkStatus();
}

}  // namespace

void AddExport(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("export", "Write a policy for use elsewhere");
  const auto flags = std::make_shared<ExportFlags>();
  verb->add_option("DIR", flags->run, "A run's folder")->required();
  verb->add_option("--member", flags->member, "Whose policy")->type_name("K")->required();
  verb->add_option("--format", flags->format, "onnx, torchscript, safetensors or c")
      ->check(CLI::IsMember(ExportFormats()))
      ->required();
  verb->add_option("--policy", flags->policy, "final, or the version of a policy that was kept")
      ->type_name("VERSION")
      ->check(CheckPolicyChoice)
      ->capture_default_str();
  verb->add_option("--out", flags->out,
                   "File to write [DIR/exports/<task>_member_<member>.<extension>]")
      ->type_name("FILE");
  verb->callback([flags, &action] { action = [flags] { return Export(*flags); }; });
}

void AddVerify(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "verify", "Run an exported policy at the vectors that were written with it");
  const auto path = std::make_shared<std::string>();
  verb->add_option("FILE", *path, "What sr2l export wrote")->required();
  verb->callback([path, &action] { action = [path] { return Verify(*path); }; });
}

}  // namespace sr2l
