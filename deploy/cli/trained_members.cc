#include "deploy/cli/trained_members.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"
#include "deploy/cli/config_flags.h"
#include "deploy/cli/member_files.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

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

absl::StatusOr<v1::TrainedMember> ReadFileOf(uint32_t number, const fs::path& path) {
  SR2L_ASSIGN_OR_RETURN(v1::TrainedMember member, ReadMemberFile(path.string()));
  SR2L_RETURN_IF_ERROR(CheckVersion(path, member.version()));
  if (member.policy().member() != number) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " must be of member ", number,
                                                   ", it is of ", member.policy().member()));
  }
  return member;
}

// The files of a member's policies that were kept on the way, sorted.
std::vector<fs::path> KeptPolicies(const fs::path& policies, const std::string& stem) {
  std::map<std::string, fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(policies, error)) {
    const std::string name = entry.path().filename().string();
    if (absl::StartsWith(name, stem + "_round_") && absl::EndsWith(name, ".member")) {
      found[name] = entry.path();
    }
  }
  std::vector<fs::path> paths;
  for (const auto& [name, path] : found) paths.push_back(path);
  return paths;
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
  SR2L_ASSIGN_OR_RETURN(LoadedConfig config,
                        LoadConfig({.file = experiment.string(), .overrides = {}}));
  return std::move(config.resolved);
}

absl::StatusOr<v1::TrainedMember> ReadTrainedMember(const std::string& folder, uint32_t member,
                                                    PolicyChoice choice) {
  const fs::path policies = fs::path(folder) / "policies";
  const std::string stem = absl::StrFormat("member_%03d", member);
  const fs::path newest = policies / (stem + ".member");
  std::error_code error;
  if (!fs::exists(newest, error)) {
    return absl::NotFoundError(
        absl::StrCat("member ", member, " has no policy yet: there is no ", newest.string()));
  }
  if (!choice.has_value()) return ReadFileOf(member, newest);
  std::vector<fs::path> paths = KeptPolicies(policies, stem);
  paths.push_back(newest);
  std::set<uint64_t> versions;
  for (const fs::path& path : paths) {
    SR2L_ASSIGN_OR_RETURN(v1::TrainedMember kept, ReadFileOf(member, path));
    if (kept.policy().version() == *choice) return kept;
    versions.insert(kept.policy().version());
  }
  return absl::NotFoundError(absl::StrCat("--policy must be final or a version that member ",
                                          member, " keeps (", absl::StrJoin(versions, ", "),
                                          "), got ", *choice));
}

}  // namespace sr2l
