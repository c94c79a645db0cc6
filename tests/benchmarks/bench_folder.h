#ifndef SR2L_TESTS_BENCHMARKS_BENCH_FOLDER_H_
#define SR2L_TESTS_BENCHMARKS_BENCH_FOLDER_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "common/status/check.h"

namespace sr2l {

// A new folder in SR2L_BENCH_FOLDER, or else beside the program, which is on a disk where /tmp
// may be in memory. Removed at the end.
class BenchFolder {
 public:
  BenchFolder() {
    const char* const chosen = getenv("SR2L_BENCH_FOLDER");
    const std::filesystem::path parent =
        chosen != nullptr ? std::filesystem::path(chosen)
                          : std::filesystem::read_symlink("/proc/self/exe").parent_path();
    path_ = parent / "bench-XXXXXX";
    SR2L_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~BenchFolder() { std::filesystem::remove_all(path_); }
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_BENCHMARKS_BENCH_FOLDER_H_
