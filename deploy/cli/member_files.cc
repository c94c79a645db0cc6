#include "deploy/cli/member_files.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// Whose file "member_007.member" or "member_007_round_000100.member" is.
std::optional<uint32_t> MemberOf(const fs::path& path, bool& is_final) {
  const std::string name = path.filename().string();
  absl::string_view number = name;
  if (!absl::ConsumePrefix(&number, "member_") || !absl::ConsumeSuffix(&number, ".member")) {
    return std::nullopt;
  }
  const size_t round = number.find("_round_");
  is_final = round == absl::string_view::npos;
  uint32_t member = 0;
  if (!absl::SimpleAtoi(number.substr(0, round), &member)) return std::nullopt;
  return member;
}

// The kept policies of a member and then its final one, by version.
absl::StatusOr<std::map<uint64_t, v1::TrainedMember>> ReadVersions(const std::string& folder,
                                                                   uint32_t member) {
  std::map<uint64_t, v1::TrainedMember> versions;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::path(folder) / "policies", error)) {
    bool is_final = false;
    if (MemberOf(entry.path(), is_final) != member) continue;
    SR2L_ASSIGN_OR_RETURN(v1::TrainedMember read, ReadMemberFile(entry.path().string()));
    const uint64_t version = read.policy().version();
    versions[version] = std::move(read);
  }
  return versions;
}

}  // namespace

absl::StatusOr<std::map<uint32_t, std::string>> FinalMemberFiles(const std::string& folder) {
  const fs::path policies = fs::path(folder) / "policies";
  std::map<uint32_t, std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(policies, error)) {
    bool is_final = false;
    const std::optional<uint32_t> member = MemberOf(entry.path(), is_final);
    if (member.has_value() && is_final) files[*member] = entry.path().string();
  }
  if (!files.empty()) return files;
  return absl::NotFoundError(
      absl::StrCat("no trained members (", policies.string(), "/member_*.member) in ", folder));
}

absl::StatusOr<v1::TrainedMember> ReadMemberFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  v1::TrainedMember member;
  if (!file || !member.ParseFromIstream(&file) || !member.has_policy()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not a trained member, or is damaged"));
  }
  return member;
}

absl::StatusOr<v1::TrainedMember> ReadMember(const std::string& folder, uint32_t member,
                                             std::optional<uint64_t> version) {
  SR2L_ASSIGN_OR_RETURN(const auto files, FinalMemberFiles(folder));
  const auto file = files.find(member);
  if (file == files.end()) {
    std::vector<uint32_t> members;
    for (const auto& [number, path] : files) members.push_back(number);
    return absl::NotFoundError(absl::StrCat(folder, " has no member ", member, "; there are ",
                                            absl::StrJoin(members, ", ")));
  }
  if (!version.has_value()) return ReadMemberFile(file->second);
  SR2L_ASSIGN_OR_RETURN(auto versions, ReadVersions(folder, member));
  const auto found = versions.find(*version);
  if (found != versions.end()) return std::move(found->second);
  std::vector<uint64_t> kept;
  for (const auto& [number, read] : versions) kept.push_back(number);
  return absl::NotFoundError(absl::StrCat("member ", member, " has no policy of version ", *version,
                                          "; there are ", absl::StrJoin(kept, ", ")));
}

}  // namespace sr2l
