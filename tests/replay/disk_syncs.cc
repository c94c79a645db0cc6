#include "tests/replay/disk_syncs.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>

#include "absl/synchronization/mutex.h"

namespace sr2l {
namespace {

enum class Mode { kPass, kSkip, kFail, kHold };

struct Disk {
  absl::Mutex mu;
  Mode mode = Mode::kPass;
  std::string failing;  // ending of paths
  int num_failed = 0;
  int num_held = 0;
  std::map<std::string, uint64_t> durable;  // bytes by path
  std::set<std::string> torn;               // those that lost bytes: no more will be durable
};

Disk& TheDisk() {
  static auto* const disk = new Disk;
  return *disk;
}

void SetMode(Mode mode, const std::string& failing) {
  Disk& disk = TheDisk();
  absl::MutexLock lock(&disk.mu);
  disk.mode = mode;
  disk.failing = failing;
  disk.num_failed = 0;
}

std::string PathOf(int file) {
  char path[PATH_MAX] = "";
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = readlink(link.c_str(), path, sizeof(path));
  return {path, size > 0 ? static_cast<size_t>(size) : 0};
}

bool IsHeld(Disk* disk) { return disk->mode == Mode::kHold; }
bool IsFree(Disk* disk) { return disk->mode != Mode::kHold; }

// Zero, or the number of the error.
int Sync(int file, long call) {
  Disk& disk = TheDisk();
  absl::MutexLock lock(&disk.mu);
  if (IsHeld(&disk)) {
    ++disk.num_held;
    disk.mu.Await(absl::Condition(&IsFree, &disk));
    --disk.num_held;
  }
  if (disk.mode == Mode::kSkip) return 0;
  const std::string path = PathOf(file);
  if (disk.mode == Mode::kFail && path.ends_with(disk.failing)) {
    ++disk.num_failed;
    disk.torn.insert(path);
    return EIO;
  }
  struct stat status = {};
  if (fstat(file, &status) != 0 || syscall(call, file) != 0) return errno;
  if (disk.torn.count(path) == 0) disk.durable[path] = static_cast<uint64_t>(status.st_size);
  return 0;
}

int Answer(int error) {
  errno = error;
  return error == 0 ? 0 : -1;
}

}  // namespace

void DiskSyncs::Pass() { SetMode(Mode::kPass, ""); }
void DiskSyncs::Skip() { SetMode(Mode::kSkip, ""); }
void DiskSyncs::Fail(const std::string& ending) { SetMode(Mode::kFail, ending); }
void DiskSyncs::Hold() { SetMode(Mode::kHold, ""); }

int DiskSyncs::num_failed() {
  absl::MutexLock lock(&TheDisk().mu);
  return TheDisk().num_failed;
}

int DiskSyncs::num_held() {
  absl::MutexLock lock(&TheDisk().mu);
  return TheDisk().num_held;
}

void DiskSyncs::CopyAfterPowerCut(const std::string& folder, const std::string& target) {
  Disk& disk = TheDisk();
  std::filesystem::remove_all(target);
  std::filesystem::create_directories(target);
  absl::MutexLock lock(&disk.mu);
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename();
    const std::string copy = target + "/" + name;
    std::filesystem::copy_file(file.path(), copy);
    const bool needs_sync =
        name.ends_with(".log") || name.ends_with(".sst") || name.starts_with("MANIFEST");
    if (!needs_sync) continue;
    const auto durable = disk.durable.find(file.path());
    const uint64_t size = durable == disk.durable.end() ? 0 : durable->second;
    std::filesystem::resize_file(copy, std::min(size, std::filesystem::file_size(copy)));
  }
}

}  // namespace sr2l

extern "C" {
int fsync(int file) { return sr2l::Answer(sr2l::Sync(file, SYS_fsync)); }
int fdatasync(int file) { return sr2l::Answer(sr2l::Sync(file, SYS_fdatasync)); }
}
