#include "deploy/cli/trained_members.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "common/policy/member_file.h"
#include "common/status/status_macros.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

constexpr char kFinal[] = "final";

// "0.1" of "0.1.0": what is equal among versions that read each other's policies.
std::string Series(absl::string_view version) {
  const std::vector<absl::string_view> numbers = absl::StrSplit(version, '.');
  return absl::StrJoin(numbers.begin(), numbers.begin() + std::min<size_t>(2, numbers.size()), ".");
}

// `written_by` as in "sr2l 0.1.0, LibTorch 1.13.1".
absl::Status CheckVersion(const fs::path& path, const std::string& written_by) {
  const std::vector<absl::string_view> programs = absl::StrSplit(written_by, ", ");
  absl::string_view version = programs.front();
  if (absl::ConsumePrefix(&version, "sr2l ") && Series(version) == Series(SR2L_VERSION)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path.string(), " must be of sr2l ", Series(SR2L_VERSION), ", it was written by ",
                   written_by.empty() ? "another version" : OneLine(written_by)));
}

absl::Status CheckTask(const fs::path& path, const v1::TrainedMember& member,
                       const v1::TaskConfig& task) {
  if (member.task() != task.name()) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " must be of the task ",
                                                   task.name(), ", it is of ",
                                                   member.task().empty()
                                                       ? "none"
                                                       : OneLine(member.task())));
  }
  const v1::NetworkShape& network = member.policy().network();
  if (network.inputs() == task.observation_dim() && network.outputs() == task.action_dim()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path.string(), " must have ", task.observation_dim(), " observations and ",
                   task.action_dim(), " actions, as the task ", task.name(), " has; it has ",
                   network.inputs(), " and ", network.outputs()));
}

std::string Describe(uint64_t seed, double radius, double coefficient) {
  return absl::StrCat("seed ", seed, ", radius ", radius, " and coefficient ", coefficient);
}

absl::Status CheckSettings(const fs::path& path, const v1::TrainedMember& member,
                           const v1::MemberConfig& config) {
  if (member.seed() == config.seed() && member.radius() == config.radius() &&
      member.coefficient() == config.coefficient()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path.string(), " must have ",
                   Describe(config.seed(), config.radius(), config.coefficient()),
                   ", as the experiment has; it has ",
                   Describe(member.seed(), member.radius(), member.coefficient())));
}

absl::StatusOr<v1::TrainedMember> ReadFileOf(uint32_t number, const fs::path& path,
                                             const v1::ExperimentConfig& config) {
  SR2L_ASSIGN_OR_RETURN(v1::TrainedMember member, ReadMemberFile(path.string()));
  SR2L_RETURN_IF_ERROR(CheckVersion(path, member.version()));
  if (member.policy().member() != number) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " must be of member ", number,
                                                   ", it is of ", member.policy().member()));
  }
  SR2L_RETURN_IF_ERROR(CheckTask(path, member, config.task()));
  SR2L_RETURN_IF_ERROR(
      CheckSettings(path, member, config.members().member(static_cast<int>(number))));
  return member;
}

// The files of a member's policies that were kept on the way, sorted.
std::vector<fs::path> KeptPolicies(const fs::path& policies, const std::string& stem) {
  std::set<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(policies, error)) {
    const std::string name = entry.path().filename().string();
    if (absl::StartsWith(name, stem + "_round_") && absl::EndsWith(name, ".member")) {
      found.insert(entry.path());
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace

absl::StatusOr<v1::ExperimentConfig> ReadRunExperiment(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return absl::NotFoundError(absl::StrCat("there is no run's folder ", folder));
  }
  const fs::path experiment = fs::path(folder) / "experiment.textproto";
  if (!fs::exists(experiment, error)) {
    return absl::NotFoundError(
        absl::StrCat(folder, " is no run's folder: it has no experiment.textproto"));
  }
  SR2L_ASSIGN_OR_RETURN(v1::ExperimentConfig config, LoadExperiment(experiment.string(), {}));
  return ResolveExperiment(std::move(config));
}

PolicyChoice ParsePolicyChoice(const std::string& text) {
  uint64_t version = 0;
  if (absl::SimpleAtoi(text, &version)) return version;
  return std::nullopt;
}

std::string CheckPolicyChoice(const std::string& text) {
  if (text == kFinal || ParsePolicyChoice(text).has_value()) return "";
  return absl::StrCat("must be final or a version, got ", text);
}

absl::Status CheckMember(uint32_t member, const v1::ExperimentConfig& config) {
  const uint32_t count = static_cast<uint32_t>(config.members().member_size());
  if (member < count) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat("--member must be in [0, ", count - 1, "], the run's members; got ", member));
}

absl::StatusOr<v1::TrainedMember> ReadTrainedMember(const std::string& folder,
                                                    const v1::ExperimentConfig& config,
                                                    uint32_t member, PolicyChoice choice) {
  SR2L_RETURN_IF_ERROR(CheckMember(member, config));
  const fs::path policies = fs::path(folder) / "policies";
  const std::string stem = absl::StrFormat("member_%03d", member);
  const fs::path newest = policies / (stem + ".member");
  std::error_code error;
  if (!fs::exists(newest, error)) {
    return absl::NotFoundError(
        absl::StrCat("member ", member, " has no policy yet: there is no ", newest.string()));
  }
  if (!choice.has_value()) return ReadFileOf(member, newest, config);
  std::vector<fs::path> paths = KeptPolicies(policies, stem);
  paths.push_back(newest);
  std::set<uint64_t> versions;
  for (const fs::path& path : paths) {
    SR2L_ASSIGN_OR_RETURN(v1::TrainedMember kept, ReadFileOf(member, path, config));
    if (kept.policy().version() == *choice) return kept;
    versions.insert(kept.policy().version());
  }
  return absl::NotFoundError(absl::StrCat("--policy must be final or a version that member ",
                                          member, " keeps (", absl::StrJoin(versions, ", "),
                                          "), got ", *choice));
}

absl::StatusOr<std::map<uint32_t, std::string>> FinalMemberFiles(const std::string& folder) {
  const fs::path policies = fs::path(folder) / "policies";
  std::map<uint32_t, std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(policies, error)) {
    const std::string name = entry.path().filename().string();
    absl::string_view number = name;
    uint32_t member = 0;
    if (absl::ConsumePrefix(&number, "member_") && absl::ConsumeSuffix(&number, ".member") &&
        absl::SimpleAtoi(number, &member)) {
      files[member] = entry.path().string();
    }
  }
  if (!files.empty()) return files;
  return absl::NotFoundError(
      absl::StrCat("no trained members (", policies.string(), "/member_*.member) in ", folder));
}

}  // namespace sr2l
