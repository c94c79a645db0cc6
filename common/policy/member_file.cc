#include "common/policy/member_file.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/digest/sha256.h"

namespace sr2l {
namespace {

// The field with the digest, as protobuf encodes it: a message can be appended to another.
std::string EncodeDigest(absl::string_view bytes) {
  v1::TrainedMember digest;
  digest.set_sha256(Sha256Hex(bytes));
  return digest.SerializeAsString();
}

}  // namespace

std::string EncodeMemberFile(const v1::TrainedMember& member) {
  std::string bytes = member.SerializeAsString();
  bytes += EncodeDigest(bytes);
  return bytes;
}

absl::StatusOr<v1::TrainedMember> ReadMemberFile(const std::string& path) {
  static const size_t digest_size = EncodeDigest("").size();
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const size_t size = bytes.size() - std::min(bytes.size(), digest_size);
  v1::TrainedMember member;
  if (!absl::EndsWith(bytes, EncodeDigest(absl::string_view(bytes).substr(0, size))) ||
      !member.ParseFromString(bytes) || !member.has_policy()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not a trained member, or is damaged"));
  }
  return member;
}

}  // namespace sr2l
