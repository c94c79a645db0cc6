#include "deploy/cli/member_digest.h"

#include <bit>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/digest/sha256.h"
#include "common/policy/member_file.h"
#include "common/status/status_macros.h"
#include "deploy/cli/trained_members.h"

namespace sr2l {
namespace {

void AppendLittleEndian(float number, std::string& bytes) {
  const auto bits = std::bit_cast<uint32_t>(number);
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>((bits >> shift) & 0xFF));
  }
}

}  // namespace

std::string DigestOf(const v1::TrainedMember& member) {
  std::string bytes = member.policy().parameters();
  for (const float log_std : member.policy().log_std()) AppendLittleEndian(log_std, bytes);
  bytes += member.baseline();
  return Sha256Hex(bytes);
}

absl::StatusOr<std::string> DigestRun(const std::string& folder) {
  SR2L_ASSIGN_OR_RETURN(const auto files, FinalMemberFiles(folder));
  std::string lines;
  for (const auto& [number, path] : files) {
    SR2L_ASSIGN_OR_RETURN(const v1::TrainedMember member, ReadMemberFile(path));
    absl::StrAppend(&lines, number, " ", member.env_steps(), " ", member.updates(), " ",
                    DigestOf(member), "\n");
  }
  return lines;
}

}  // namespace sr2l
