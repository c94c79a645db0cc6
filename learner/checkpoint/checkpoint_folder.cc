#include "learner/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

std::string NameOf(uint32_t first_member, uint64_t position, int number) {
  const std::string more = number == 1 ? "" : absl::StrCat("_", number);
  return absl::StrFormat("members_%03d_%010d%s.checkpoint", first_member, position, more);
}

bool IsCheckpoint(const fs::path& path) {
  const std::string name = path.filename();
  return absl::StartsWith(name, "members_") && absl::EndsWith(name, ".checkpoint");
}

std::vector<fs::path> ListFiles(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (IsCheckpoint(entry.path())) files.push_back(entry.path());
  }
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
  if (absl::StrCat(Sha256Hex(message), "\n") != digest_line) {
    return absl::DataLossError("its checksum is wrong");
  }
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
  const fs::path path = PathFor(checkpoint);
  SR2L_RETURN_IF_ERROR(WriteFileDurably(path, Encode(checkpoint)));
  positions_[path] = PositionsOf(checkpoint);
  SR2L_RETURN_IF_ERROR(RemoveReplaced(path));
  return RemoveOld(path);
}

CheckpointFolder::Positions CheckpointFolder::PositionsOf(const v1::Checkpoint& checkpoint) {
  Positions positions;
  for (const v1::MemberCheckpoint& member : checkpoint.members()) {
    positions[member.member()] = member.position();
  }
  return positions;
}

const CheckpointFolder::Positions& CheckpointFolder::PositionsIn(const fs::path& path) {
  const auto [file, is_new] = positions_.try_emplace(path);
  if (!is_new) return file->second;
  const absl::StatusOr<v1::Checkpoint> checkpoint = Read(path);
  if (checkpoint.ok()) file->second = PositionsOf(*checkpoint);
  return file->second;
}

fs::path CheckpointFolder::PathFor(const v1::Checkpoint& checkpoint) {
  const Positions positions = PositionsOf(checkpoint);
  for (int number = 1;; ++number) {
    const fs::path path =
        fs::path(path_) / NameOf(positions.begin()->first, checkpoint.position(), number);
    if (!fs::exists(path)) return path;
    const Positions& there = PositionsIn(path);
    const auto is_replaced = [&positions](const auto& member) {
      const auto now = positions.find(member.first);
      return now != positions.end() && member.second >= now->second;
    };
    const bool all = std::all_of(there.begin(), there.end(), is_replaced);
    if (all && !there.empty()) return path;
  }
}

absl::Status CheckpointFolder::RemoveReplaced(const fs::path& written) {
  const auto is_replaced = [this, &written](uint32_t member, uint64_t position) {
    const auto now = positions_[written].find(member);
    return now != positions_[written].end() && position >= now->second;
  };
  for (const fs::path& path : ListFiles(path_)) {
    const Positions& there = PositionsIn(path);
    if (path == written || std::none_of(there.begin(), there.end(), [&](const auto& member) {
          return is_replaced(member.first, member.second);
        })) {
      continue;
    }
    absl::StatusOr<v1::Checkpoint> rest = Read(path);
    if (!rest.ok()) continue;
    auto& members = *rest->mutable_members();
    members.erase(std::remove_if(members.begin(), members.end(),
                                 [&](const v1::MemberCheckpoint& member) {
                                   return is_replaced(member.member(), member.position());
                                 }),
                  members.end());
    if (members.empty()) {
      Remove(path);
      continue;
    }
    SR2L_RETURN_IF_ERROR(WriteFileDurably(path, Encode(*rest)));
    positions_[path] = PositionsOf(*rest);
  }
  return absl::OkStatus();
}

uint64_t CheckpointFolder::RemoveOld(const fs::path& written) {
  std::map<uint32_t, std::map<uint64_t, fs::path, std::greater<>>> files;  // newest first
  const std::vector<fs::path> paths = ListFiles(path_);
  for (const fs::path& path : paths) {
    for (const auto& [member, position] : PositionsIn(path)) files[member].emplace(position, path);
  }
  std::set<fs::path> needed;
  uint64_t oldest = positions_[written].begin()->second;
  for (const auto& [member, newest] : files) {
    auto last = newest.begin();
    for (size_t kept = 0; kept < kKept && last != newest.end(); ++kept) {
      needed.insert((last++)->second);
    }
    if (positions_[written].count(member) == 0) continue;
    // With fewer than kKept the one before the first is the beginning.
    oldest = std::min(oldest, newest.size() < kKept ? 0 : std::prev(last)->first);
  }
  for (const fs::path& path : paths) {
    // One that cannot be read is for people to look at.
    if (needed.count(path) == 0 && !PositionsIn(path).empty()) Remove(path);
  }
  return oldest;
}

void CheckpointFolder::Remove(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
  positions_.erase(path);
}

std::map<uint32_t, v1::MemberCheckpoint> CheckpointFolder::ReadNewest(
    const std::function<bool(const v1::MemberCheckpoint&)>& fits,
    std::vector<std::string>& damaged) {
  std::map<uint32_t, std::vector<v1::MemberCheckpoint>> members;
  for (const fs::path& path : ListFiles(path_)) {
    absl::StatusOr<v1::Checkpoint> checkpoint = Read(path);
    if (!checkpoint.ok()) {
      damaged.push_back(absl::StrCat(path.string(), ": ", checkpoint.status().message()));
      std::error_code ignored;  // it is passed over all the same
      fs::rename(path, path.string() + ".damaged", ignored);
      continue;
    }
    positions_[path] = PositionsOf(*checkpoint);
    for (v1::MemberCheckpoint& member : *checkpoint->mutable_members()) {
      members[member.member()].push_back(std::move(member));
    }
  }
  std::map<uint32_t, v1::MemberCheckpoint> newest;
  for (auto& [number, states] : members) {
    std::sort(states.begin(), states.end(),
              [](const auto& a, const auto& b) { return a.position() > b.position(); });
    const auto found = std::find_if(states.begin(), states.end(), fits);
    if (found != states.end()) newest[number] = std::move(*found);
  }
  return newest;
}

}  // namespace sr2l
