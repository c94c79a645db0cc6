#ifndef SR2L_TESTS_REPLAY_SMALL_DISK_H_
#define SR2L_TESTS_REPLAY_SMALL_DISK_H_

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

namespace sr2l {

// A file system of a given size, in memory, mounted on an empty folder and unmounted at the end.
class SmallDisk {
 public:
  SmallDisk(std::string folder, uint64_t bytes) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    const std::string size = absl::StrCat("size=", bytes);
    mounted_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
    if (!mounted_) error_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // Lets this process mount where only the superuser may: in a namespace of its own, which
  // children inherit. Before the process has a second thread.
  static void AllowMounts() {
    if (geteuid() == 0) return;
    const std::string user = absl::StrCat("0 ", geteuid(), " 1");
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user;
  }

  bool mounted() const { return mounted_; }
  const std::string& error() const { return error_; }  // why it is not mounted
  const std::string& path() const { return folder_; }

  uint64_t room() const {
    struct statvfs disk = {};
    EXPECT_EQ(statvfs(folder_.c_str(), &disk), 0);
    return uint64_t{disk.f_bavail} * disk.f_frsize;
  }

  // Takes room away until `left` bytes are left; no room comes back.
  void LeaveRoom(uint64_t left) {
    const uint64_t now = room();
    if (now <= left) return;
    std::ofstream ballast(ballast_path(), std::ios::app | std::ios::binary);
    ballast << std::string(now - left, 'x') << std::flush;
  }
  void MakeRoom() { std::filesystem::remove(ballast_path()); }

 private:
  std::string ballast_path() const { return folder_ + "/ballast"; }

  const std::string folder_;
  bool mounted_ = false;
  std::string error_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_SMALL_DISK_H_
