#include "deploy/cli/member_digest.h"

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/digest/sha256.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

void AppendLittleEndian(float number, std::string& bytes) {
  const auto bits = std::bit_cast<uint32_t>(number);
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>((bits >> shift) & 0xFF));
  }
}

// Whether this is the file of a member's final policy, "member_007.member", and whose.
bool IsFinalPolicy(const fs::path& path, uint32_t& member) {
  const std::string name = path.filename().string();
  absl::string_view number = name;
  return absl::ConsumePrefix(&number, "member_") && absl::ConsumeSuffix(&number, ".member") &&
         absl::SimpleAtoi(number, &member);
}

absl::StatusOr<v1::TrainedMember> ReadMember(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  v1::TrainedMember member;
  if (!file || !member.ParseFromIstream(&file) || !member.has_policy()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), " is not a trained member, or is damaged"));
  }
  return member;
}

}  // namespace

std::string DigestOf(const v1::TrainedMember& member) {
  std::string bytes = member.policy().parameters();
  for (const float log_std : member.policy().log_std()) AppendLittleEndian(log_std, bytes);
  bytes += member.baseline();
  return Sha256Hex(bytes);
}

absl::StatusOr<std::string> DigestRun(const std::string& folder) {
  const fs::path policies = fs::path(folder) / "policies";
  std::map<uint32_t, fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(policies, error)) {
    uint32_t member = 0;
    if (IsFinalPolicy(entry.path(), member)) files[member] = entry.path();
  }
  if (files.empty()) {
    return absl::NotFoundError(absl::StrCat("no trained members (", policies.string(),
                                            "/member_*.member) in ", folder));
  }
  std::string lines;
  for (const auto& [number, path] : files) {
    SR2L_ASSIGN_OR_RETURN(const v1::TrainedMember member, ReadMember(path));
    absl::StrAppend(&lines, number, " ", member.env_steps(), " ", member.updates(), " ",
                    DigestOf(member), "\n");
  }
  return lines;
}

}  // namespace sr2l
