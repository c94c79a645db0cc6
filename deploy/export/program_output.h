#ifndef SR2L_DEPLOY_EXPORT_PROGRAM_OUTPUT_H_
#define SR2L_DEPLOY_EXPORT_PROGRAM_OUTPUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sr2l {

// A fresh folder under $TMPDIR that only this user may enter, removed with all that is in it.
class ScratchFolder {
 public:
  static absl::StatusOr<ScratchFolder> Create();
  ~ScratchFolder();
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchFolder& operator=(ScratchFolder&&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

// What a program prints; waits at most `limit` for its end. `program`: its path. Aborted, with
// the last line that it printed, when it fails; DeadlineExceeded when it does not end.
absl::StatusOr<std::string> ProgramOutput(const std::string& program,
                                          const std::vector<std::string>& arguments,
                                          absl::Duration limit);

// The whole of a file. NotFound names it.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_PROGRAM_OUTPUT_H_
