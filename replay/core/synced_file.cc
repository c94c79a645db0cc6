#include "replay/core/synced_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/digest/crc32c.h"
#include "common/log/log.h"

namespace sr2l {
namespace {

constexpr absl::string_view kManifest = "MANIFEST-";

// As it lies in the file, in this machine's order of bytes.
struct StoredMark {
  SyncedFile::Mark mark;
  uint32_t crc = 0;  // of `mark`
  uint32_t format = 1;
};
static_assert(sizeof(StoredMark) == 40, "without padding, which would have no value");

std::string SyncedPath(const std::string& folder) { return folder + "/SYNCED"; }

uint32_t CrcOf(const SyncedFile::Mark& mark) {
  return Crc32c({reinterpret_cast<const char*>(&mark), sizeof(mark)});
}

// The number of a MANIFEST's name; nullopt: it is no such name.
std::optional<uint64_t> ManifestNumber(absl::string_view name) {
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&name, kManifest) || !absl::SimpleAtoi(name, &number)) {
    return std::nullopt;
  }
  return number;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

absl::Status Lost(const std::string& folder, const std::string& what) {
  return absl::DataLossError(
      absl::StrCat("the log ", folder, " ", what,
                   ". Bring the folder back from a copy; to go on without what is lost, remove ",
                   SyncedPath(folder)));
}

}  // namespace

std::optional<SyncedFile::Mark> SyncedFile::Read(const std::string& folder) {
  StoredMark stored;
  std::ifstream file(SyncedPath(folder), std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  file.read(reinterpret_cast<char*>(&stored), sizeof(stored));
  if (file && stored.format == 1 && stored.crc == CrcOf(stored.mark)) return stored.mark;
  SR2L_WARNING("{} is damaged: whether the log lost its end cannot be told", SyncedPath(folder));
  return std::nullopt;
}

absl::Status SyncedFile::CheckManifest(const std::string& folder) {
  const std::optional<Mark> mark = Read(folder);
  if (!mark.has_value() || mark->manifest_number == 0) return absl::OkStatus();
  std::string name = ReadBytes(folder + "/CURRENT");
  // What is no name RocksDB refuses.
  if (!absl::EndsWith(name, "\n")) return absl::OkStatus();
  name.pop_back();
  const std::optional<uint64_t> number = ManifestNumber(name);
  // A newer one was written from the noted one, and is not noted yet.
  if (!number.has_value() || *number > mark->manifest_number) return absl::OkStatus();
  if (*number < mark->manifest_number) {
    return Lost(folder, absl::StrCat("has a CURRENT that names ", name, ", which ", kManifest,
                                     mark->manifest_number, " has replaced"));
  }
  const std::string bytes = ReadBytes(absl::StrCat(folder, "/", name));
  if (bytes.size() < mark->manifest_bytes) {
    return Lost(folder, absl::StrCat("has a ", name, " of ", bytes.size(),
                                     " bytes, but the disk had ", mark->manifest_bytes));
  }
  const absl::string_view noted = absl::string_view(bytes).substr(0, mark->manifest_bytes);
  if (Crc32c(noted) == mark->manifest_crc) return absl::OkStatus();
  return Lost(folder, absl::StrCat("has a damaged ", name));
}

absl::Status SyncedFile::CheckSequence(rocksdb::DB& db, const std::string& folder,
                                       const std::optional<Mark>& mark) {
  const uint64_t sequence = db.GetLatestSequenceNumber();
  if (!mark.has_value() || mark->sequence <= sequence) return absl::OkStatus();
  return Lost(folder, absl::StrCat("ends at record ", sequence, ", but the disk had it up to ",
                                   mark->sequence, ": a file of it is missing, cut or damaged"));
}

SyncedFile::SyncedFile(const std::string& folder)
    : folder_(folder),
      mark_(Read(folder).value_or(Mark())),
      file_(open(SyncedPath(folder).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) {}

SyncedFile::~SyncedFile() {
  if (file_ >= 0) close(file_);
}

void SyncedFile::Note(rocksdb::DB& db, uint64_t sequence) {
  const Mark before = mark_;
  mark_.sequence = sequence;
  ExtendManifest(db);
  if (mark_.sequence == before.sequence && mark_.manifest_number == before.manifest_number &&
      mark_.manifest_bytes == before.manifest_bytes) {
    return;
  }
  Write();
}

void SyncedFile::NoteUntrusted(bool untrusted) {
  mark_.untrusted = untrusted ? 1 : 0;
  Write();
}

// Reads only what has come since the last time.
void SyncedFile::ExtendManifest(rocksdb::DB& db) {
  std::vector<std::string> files;
  uint64_t bytes = 0;
  if (!db.GetLiveFiles(files, &bytes, /*flush_memtable=*/false).ok()) return;
  const auto manifest = std::find_if(files.begin(), files.end(), [](const std::string& file) {
    return absl::StartsWith(absl::StripPrefix(file, "/"), kManifest);
  });
  if (manifest == files.end()) return;
  const auto number = ManifestNumber(absl::StripPrefix(*manifest, "/"));
  if (!number.has_value()) return;
  if (*number == mark_.manifest_number && bytes == mark_.manifest_bytes) return;
  const bool known = *number == mark_.manifest_number && bytes > mark_.manifest_bytes;
  const uint64_t begin = known ? mark_.manifest_bytes : 0;
  std::string added(bytes - begin, '\0');
  std::ifstream file(folder_ + *manifest, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(begin));
  if (!file.read(added.data(), static_cast<std::streamsize>(added.size()))) return;
  mark_.manifest_crc = ExtendCrc32c(known ? mark_.manifest_crc : 0, added);
  mark_.manifest_number = *number;
  mark_.manifest_bytes = bytes;
}

void SyncedFile::Write() {
  const StoredMark stored{.mark = mark_, .crc = CrcOf(mark_)};
  // Nothing depends on it but how soon a loss is noticed.
  if (file_ >= 0 && pwrite(file_, &stored, sizeof(stored), 0) < 0) {
    SR2L_WARNING("cannot note how far the log is synced: {}", std::strerror(errno));
  }
}

}  // namespace sr2l
