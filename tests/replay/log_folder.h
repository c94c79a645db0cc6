#ifndef SR2L_TESTS_REPLAY_LOG_FOLDER_H_
#define SR2L_TESTS_REPLAY_LOG_FOLDER_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "replay/core/durable_log.h"

namespace sr2l {

// A folder for a log, removed at the end.
class LogFolder {
 public:
  LogFolder() {
    std::string folder = ::testing::TempDir() + "sr2l-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
  }
  ~LogFolder() { std::filesystem::remove_all(root_); }

  const std::string& root() const { return root_; }
  std::string path() const { return root_ + "/log"; }

  absl::StatusOr<std::unique_ptr<DurableLog>> Open(LogSync mode = LogSync::kInterval) const {
    return DurableLog::Open({.folder = path(),
                             .byte_budget = uint64_t{64} << 20,
                             .sync = {.mode = mode, .interval = absl::Milliseconds(5)}});
  }

  // What a process that is killed now would leave behind.
  void CopyTo(const LogFolder& other) const {
    std::filesystem::remove_all(other.path());
    std::filesystem::copy(path(), other.path());
  }

  // Paths of the files with this ending, "" for all.
  std::vector<std::string> Files(const std::string& ending) const {
    std::vector<std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(path())) {
      if (file.path().string().ends_with(ending)) files.push_back(file.path());
    }
    return files;
  }

 private:
  std::string root_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_LOG_FOLDER_H_
