#ifndef SR2L_DEPLOY_CLI_CHILD_PROCESS_H_
#define SR2L_DEPLOY_CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/files/file_descriptor.h"
#include "deploy/cli/process_exit.h"

namespace sr2l {

// A program to run.
struct Command {
  std::string name;                    // for people
  std::string program;                 // path of the executable
  std::vector<std::string> arguments;  // without the program
  std::string log_path;                // standard output and error are appended to it
  int input_fd = -1;                   // borrowed: its standard input; -1: empty
  int kept_fd = -1;                    // borrowed: open in it, too, with its number; -1: none
};

// One child process, the leader of a process group of its own, so that a Ctrl-C on the
// terminal does not reach it. It never outlives the thread
// that started it: the kernel kills it with that thread. Not thread-safe.
class ChildProcess {
 public:
  // NotFound or Unavailable, naming the program, when it cannot be run.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const Command& command);

  // Kills the process and its group, if it still runs, and waits for its end.
  ~ChildProcess();

  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }

  // Readable, for poll(2), once the process has ended.
  int exit_fd() const { return exit_fd_.get(); }

  // How it ended; nullopt while it runs. Does not wait.
  std::optional<ProcessExit> Poll();

  // Poll, after waiting at most until `deadline` for the end.
  std::optional<ProcessExit> WaitUntil(absl::Time deadline);

  // Sends `signal` to the process and its group; nothing once it was seen to have ended.
  void Signal(int signal);

 private:
  ChildProcess(std::string name, pid_t pid, FileDescriptor exit_fd)
      : name_(std::move(name)), pid_(pid), exit_fd_(std::move(exit_fd)) {}

  const std::string name_;
  const pid_t pid_;
  const FileDescriptor exit_fd_;
  std::optional<ProcessExit> exit_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_CHILD_PROCESS_H_
