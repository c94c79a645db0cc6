#include "learner/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/digest/sha256.h"
#include "common/files/atomic_write.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// A file is this line, the SHA-256 of the rest as a line, and the message.
constexpr absl::string_view kFirstLine = "sr2l checkpoint 1\n";
constexpr size_t kDigestSize = 64;

struct CheckpointFile {
  uint32_t first_member = 0;
  uint64_t position = 0;
  fs::path path;
};

std::string NameOf(uint32_t first_member, uint64_t position) {
  return absl::StrFormat("members_%03d_%010d.checkpoint", first_member, position);
}

std::optional<CheckpointFile> ParseName(const fs::path& path) {
  const std::string name = path.filename();
  absl::string_view rest = name;
  if (!absl::ConsumePrefix(&rest, "members_") || !absl::ConsumeSuffix(&rest, ".checkpoint")) {
    return std::nullopt;
  }
  const std::vector<std::string> numbers = absl::StrSplit(rest, '_');
  CheckpointFile file;
  file.path = path;
  if (numbers.size() != 2 || !absl::SimpleAtoi(numbers[0], &file.first_member) ||
      !absl::SimpleAtoi(numbers[1], &file.position)) {
    return std::nullopt;
  }
  return file;
}

// Newest first.
std::vector<CheckpointFile> ListFiles(const std::string& folder) {
  std::vector<CheckpointFile> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (auto file = ParseName(entry.path())) files.push_back(*std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const CheckpointFile& a, const CheckpointFile& b) {
    return a.position > b.position;
  });
  return files;
}

std::string Encode(const v1::Checkpoint& checkpoint) {
  const std::string message = checkpoint.SerializeAsString();
  return absl::StrCat(kFirstLine, Sha256Hex(message), "\n", message);
}

absl::StatusOr<v1::Checkpoint> Decode(absl::string_view bytes) {
  if (!absl::ConsumePrefix(&bytes, kFirstLine) || bytes.size() <= kDigestSize) {
    return absl::DataLossError("it does not begin like a checkpoint of this version");
  }
  const absl::string_view digest_line = bytes.substr(0, kDigestSize + 1);
  const absl::string_view message = bytes.substr(kDigestSize + 1);
  if (absl::StrCat(Sha256Hex(message), "\n") != digest_line) return absl::DataLossError("its checksum is wrong");
  v1::Checkpoint checkpoint;
  if (!checkpoint.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return absl::DataLossError("it does not parse");
  }
  return checkpoint;
}

absl::StatusOr<v1::Checkpoint> Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file) return absl::DataLossError("it cannot be read");
  return Decode(bytes);
}

}  // namespace

absl::StatusOr<CheckpointFolder> CheckpointFolder::Open(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot create ", path, ": ", error.message()));
  }
  return CheckpointFolder(path);
}

absl::StatusOr<uint64_t> CheckpointFolder::Write(const v1::Checkpoint& checkpoint) {
  const uint32_t first_member = checkpoint.members(0).member();
  SR2L_RETURN_IF_ERROR(
      WriteFileDurably(absl::StrCat(path_, "/", NameOf(first_member, checkpoint.position())),
                       Encode(checkpoint)));
  uint64_t oldest = checkpoint.position();
  size_t kept = 0;
  for (const CheckpointFile& file : ListFiles(path_)) {
    if (file.first_member != first_member) continue;
    if (file.position > checkpoint.position() || ++kept > kKept) {
      std::error_code ignored;
      fs::remove(file.path, ignored);
    } else {
      oldest = file.position;
    }
  }
  // With fewer than kKept the one before the first is the beginning.
  return kept < kKept ? 0 : oldest;
}

std::map<uint32_t, v1::MemberCheckpoint> CheckpointFolder::ReadNewest(
    const std::function<bool(const v1::MemberCheckpoint&)>& fits,
    std::vector<std::string>& damaged) {
  std::map<uint32_t, v1::MemberCheckpoint> newest;
  for (const CheckpointFile& file : ListFiles(path_)) {
    absl::StatusOr<v1::Checkpoint> checkpoint = Read(file.path);
    if (!checkpoint.ok()) {
      damaged.push_back(
          absl::StrCat(file.path.string(), ": ", checkpoint.status().message()));
      std::error_code ignored;  // it is passed over all the same
      fs::rename(file.path, file.path.string() + ".damaged", ignored);
      continue;
    }
    for (v1::MemberCheckpoint& member : *checkpoint->mutable_members()) {
      const auto known = newest.find(member.member());
      if (known != newest.end() && known->second.position() >= member.position()) continue;
      if (fits(member)) newest[member.member()] = std::move(member);
    }
  }
  return newest;
}

}  // namespace sr2l
