#include "deploy/cli/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace sr2l {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(10);

// Who took the lock, by the file's own words; 0: not known (yet).
pid_t ReadHolder(int file) {
  char text[32];
  const ssize_t count = pread(file, text, sizeof(text), 0);
  pid_t holder = 0;
  const absl::string_view number(text, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  return absl::SimpleAtoi(number, &holder) && holder > 0 ? holder : 0;
}

// False also for one that has ended and was not waited for yet.
bool IsRunning(pid_t pid) {
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return errno != ESRCH;
  pollfd end = {.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&end, 1, 0) == 0;
}

absl::Status WriteHolder(int file, const std::string& path) {
  const std::string text = absl::StrCat(getpid(), "\n");
  const bool written = ftruncate(file, 0) == 0 &&
                       pwrite(file, text.data(), text.size(), 0) ==
                           static_cast<ssize_t>(text.size());
  if (written) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
}

absl::Status InUse(pid_t holder, const std::string& folder) {
  const std::string who = holder > 0 ? absl::StrCat(" (pid ", holder, ")") : "";
  return absl::UnavailableError(absl::StrCat("another sr2l process", who, " uses ", folder));
}

}  // namespace

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& folder, absl::Duration patience) {
  const std::string path = absl::StrCat(folder, "/", kName);
  FileDescriptor file(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  if (!file.valid()) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  const absl::Time deadline = absl::Now() + patience;
  while (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", path));
    // Read anew each time: whoever has just taken it writes its name a moment later.
    const pid_t holder = ReadHolder(file.get());
    if (absl::Now() >= deadline || (holder > 0 && IsRunning(holder))) return InUse(holder, folder);
    absl::SleepFor(kPollInterval);
  }
  if (const absl::Status named = WriteHolder(file.get(), path); !named.ok()) return named;
  return FolderLock(std::move(file));
}

}  // namespace sr2l
