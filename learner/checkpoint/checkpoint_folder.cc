#include "learner/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
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
constexpr char kSuffix[] = ".checkpoint";
constexpr char kDamagedSuffix[] = ".damaged";

std::string NameOf(uint32_t first_member, uint64_t position, int number) {
  const std::string more = number == 1 ? "" : absl::StrCat("_", number);
  return absl::StrFormat("members_%03d_%010d%s%s", first_member, position, more, kSuffix);
}

std::vector<fs::path> ListFiles(const std::string& folder, absl::string_view suffix) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (absl::StartsWith(name, "members_") && absl::EndsWith(name, suffix)) {
      files.push_back(entry->path());
    }
  }
  return files;
}

absl::StatusOr<std::string> Encode(const v1::Checkpoint& checkpoint) {
  std::string message;
  if (!checkpoint.SerializeToString(&message)) {
    return absl::InternalError(absl::StrCat("a checkpoint of ", checkpoint.ByteSizeLong(),
                                            " bytes is too large for one file"));
  }
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

absl::StatusOr<CheckpointFolder> CheckpointFolder::Open(const std::string& path,
                                                        size_t max_message_bytes) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot create ", path, ": ", error.message()));
  }
  return CheckpointFolder(path, max_message_bytes);
}

absl::StatusOr<uint64_t> CheckpointFolder::Write(const v1::Checkpoint& checkpoint) {
  if (checkpoint.ByteSizeLong() <= max_message_bytes_) return WriteOne(checkpoint);
  // Members do not depend on one another: each goes on from where its own state was taken.
  uint64_t needed_from = std::numeric_limits<uint64_t>::max();
  for (int next = 0; next < checkpoint.members_size();) {
    const v1::Checkpoint part = PartFrom(checkpoint, next);
    SR2L_ASSIGN_OR_RETURN(const uint64_t oldest, WriteOne(part));
    needed_from = std::min(needed_from, oldest);
    next += part.members_size();
  }
  return needed_from;
}

v1::Checkpoint CheckpointFolder::PartFrom(const v1::Checkpoint& checkpoint, int first) const {
  v1::Checkpoint part;
  part.set_experiment_id(checkpoint.experiment_id());
  part.set_version(checkpoint.version());
  part.set_position(checkpoint.members(first).position());
  size_t bytes = 0;
  for (int i = first; i < checkpoint.members_size(); ++i) {
    const v1::MemberCheckpoint& member = checkpoint.members(i);
    bytes += member.ByteSizeLong();
    if (i > first && bytes > max_message_bytes_) break;
    *part.add_members() = member;
    part.set_position(std::min(part.position(), member.position()));
  }
  return part;
}

absl::StatusOr<uint64_t> CheckpointFolder::WriteOne(const v1::Checkpoint& checkpoint) {
  const fs::path path = PathFor(checkpoint);
  SR2L_ASSIGN_OR_RETURN(const std::string bytes, Encode(checkpoint));
  SR2L_RETURN_IF_ERROR(WriteFileDurably(path, bytes));
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
    std::error_code error;  // writing it will tell
    if (!fs::exists(path, error)) return path;
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
  for (const fs::path& path : ListFiles(path_, kSuffix)) {
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
    SR2L_ASSIGN_OR_RETURN(const std::string bytes, Encode(*rest));
    SR2L_RETURN_IF_ERROR(WriteFileDurably(path, bytes));
    positions_[path] = PositionsOf(*rest);
  }
  return absl::OkStatus();
}

uint64_t CheckpointFolder::RemoveOld(const fs::path& written) {
  std::map<uint32_t, std::map<uint64_t, fs::path, std::greater<>>> files;  // newest first
  const std::vector<fs::path> paths = ListFiles(path_, kSuffix);
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
  for (const fs::path& path : ListFiles(path_, kSuffix)) {
    absl::StatusOr<v1::Checkpoint> checkpoint = Read(path);
    if (!checkpoint.ok()) {
      damaged.push_back(absl::StrCat(path.string(), ": ", checkpoint.status().message()));
      std::error_code ignored;  // it is passed over all the same
      fs::rename(path, absl::StrCat(path.string(), kDamagedSuffix), ignored);
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

std::vector<std::string> CheckpointFolder::SetAside() const {
  const std::vector<fs::path> files = ListFiles(path_, kDamagedSuffix);
  return {files.begin(), files.end()};
}

}  // namespace sr2l
