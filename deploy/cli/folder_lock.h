#ifndef SR2L_DEPLOY_CLI_FOLDER_LOCK_H_
#define SR2L_DEPLOY_CLI_FOLDER_LOCK_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/files/file_descriptor.h"

namespace sr2l {

// Keeps all others out of a run's folder: a lock on its file run.lock, which names the
// process that took it. The kernel gives it up when that process and all children that
// were handed fd() have ended, however they ended; the file stays. Movable.
class FolderLock {
 public:
  static constexpr char kName[] = "run.lock";

  // Unavailable, naming process and folder, while another one has it: at once when that
  // process runs, else, as its children are just about to end, after `patience`.
  static absl::StatusOr<FolderLock> Take(const std::string& folder,
                                         absl::Duration patience = absl::Seconds(20));

  // For children to hold, too. Closed on exec unless a Command keeps it.
  int fd() const { return file_.get(); }

 private:
  explicit FolderLock(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_FOLDER_LOCK_H_
