#ifndef SR2L_DEPLOY_CLI_RUN_FOLDER_H_
#define SR2L_DEPLOY_CLI_RUN_FOLDER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "deploy/cli/folder_lock.h"

namespace sr2l {

// The folder of one run: where its results, logs and sockets lie. Only one process has it
// at a time: others' Create and Open are refused (Unavailable) until this goes, and change
// nothing. Movable.
class RunFolder {
 public:
  // Makes the folder (and those above it) with logs/, policies/ and sockets/ in it.
  // AlreadyExists when there is something in it. Sockets' paths are short in the kernel:
  // where the folder's is too long, sockets/ is a link to a fresh private folder under
  // $TMPDIR.
  static absl::StatusOr<RunFolder> Create(const std::string& path);

  // A folder that Create made, to go on with its run. NotFound: it is none, or one without
  // the learner's state.
  static absl::StatusOr<RunFolder> Open(const std::string& path);

  // "runs/<name>-<UTC time>", made unlike any folder that exists by a number at the end.
  static std::string DefaultPath(absl::string_view name, absl::Time now);

  // Absolute.
  const std::string& path() const { return path_; }
  std::string Experiment() const;                      // experiment.textproto
  std::string Store() const;                           // experiments.db, the learner's
  std::string Curve() const;                           // curve.csv
  std::string Policies() const;
  std::string ReplayLog() const;  // folder of the replay's log
  std::string Logs() const;
  std::string Log(absl::string_view process) const;
  // "unix:..." of a process, and the file in which it tells its addresses.
  std::string SocketAddress(absl::string_view process) const;
  std::string AddressFile(absl::string_view process) const;

  // For the processes of the run to keep open, so that the folder is theirs to the end of
  // the last of them.
  int lock_fd() const { return lock_.fd(); }

  // Removes sockets and address files, and the private folder if there is one.
  void RemoveSockets() const;

 private:
  RunFolder(FolderLock lock, std::string path, std::string sockets)
      : lock_(std::move(lock)), path_(std::move(path)), sockets_(std::move(sockets)) {}

  FolderLock lock_;
  std::string path_;
  std::string sockets_;  // absolute; the private folder where sockets/ is a link
};

// The value of the line "KEY=VALUE" of an address file. NotFound without such a line.
absl::StatusOr<std::string> ReadAddress(const std::string& address_file, absl::string_view key);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_RUN_FOLDER_H_
