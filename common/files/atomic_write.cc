#include "common/files/atomic_write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace sr2l {
namespace {

absl::Status CannotWrite(const std::string& path) {
  const int reason = errno;
  const std::string text = absl::StrCat("cannot write ", path, ": ", strerror(reason));
  if (reason == ENOSPC || reason == EDQUOT) return absl::ResourceExhaustedError(text);
  return absl::UnavailableError(text);
}

absl::Status WriteAll(int file, absl::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return CannotWrite(path);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteTemporary(const std::string& path, absl::string_view content, bool sync) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return CannotWrite(path);
  const auto close_file = absl::MakeCleanup([file] { close(file); });
  const absl::Status written = WriteAll(file, content, path);
  if (!written.ok()) return written;
  if (sync && fsync(file) != 0) return CannotWrite(path);
  return absl::OkStatus();
}

// Makes the names in the folder of `path` durable.
absl::Status SyncFolder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? std::string(".") : parent.string();
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return CannotWrite(folder);
  const auto close_file = absl::MakeCleanup([file] { close(file); });
  return fsync(file) == 0 ? absl::OkStatus() : CannotWrite(folder);
}

absl::Status Write(const std::string& path, absl::string_view content, bool sync) {
  const std::string temporary = path + ".tmp";
  absl::Status status = WriteTemporary(temporary, content, sync);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = CannotWrite(path);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return sync ? SyncFolder(path) : absl::OkStatus();
}

}  // namespace

absl::Status AppendWhole(int file, absl::string_view text, const std::string& path) {
  const off_t end = lseek(file, 0, SEEK_END);
  if (end < 0) return CannotWrite(path);
  const absl::Status written = WriteAll(file, text, path);
  // Half a line would run into the next one.
  if (!written.ok() && ftruncate(file, end) != 0) return CannotWrite(path);
  return written;
}

absl::Status SyncFile(int file, const std::string& path) {
  return fsync(file) == 0 ? absl::OkStatus() : CannotWrite(path);
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content) {
  return Write(path, content, /*sync=*/false);
}

absl::Status WriteFileDurably(const std::string& path, absl::string_view content) {
  return Write(path, content, /*sync=*/true);
}

}  // namespace sr2l
