#include "deploy/cli/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace sr2l {
namespace {

absl::Status SystemError(int error, absl::string_view what) {
  return absl::ErrnoToStatus(error, what);
}

// What the child does between fork and exec: only calls that are safe there. Reports
// its errno through `report_fd`, which a successful exec closes.
[[noreturn]] void BecomeProgram(const Command& command, char* const* argv, int input_fd,
                                int log_fd, int report_fd, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent went before prctl took effect
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(input_fd, STDIN_FILENO);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (command.kept_fd >= 0) fcntl(command.kept_fd, F_SETFD, 0);
  execv(argv[0], argv);
  const int error = errno;
  // Nothing is left to do when even this fails: the exit status tells of it.
  if (write(report_fd, &error, sizeof(error)) < 0) _exit(126);
  _exit(127);
}

std::vector<char*> ArgumentVector(const Command& command) {
  std::vector<char*> argv = {const_cast<char*>(command.program.c_str())};
  for (const std::string& argument : command.arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  return argv;
}

// 0 once the program runs, else the errno that kept it from running.
int ReadExecError(int report_fd) {
  int error = 0;
  ssize_t count = 0;
  do {
    count = read(report_fd, &error, sizeof(error));
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(sizeof(error)) ? error : 0;
}

int MillisecondsUntil(absl::Time deadline) {
  const absl::Duration left = deadline - absl::Now();
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))), 0,
                          60'000));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Command& command) {
  const FileDescriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int input = command.input_fd >= 0 ? command.input_fd : nothing.get();
  const FileDescriptor log(
      open(command.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) return SystemError(errno, absl::StrCat("cannot open ", command.log_path));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError(errno, "cannot make a pipe");
  const FileDescriptor report(ends[0]);
  FileDescriptor child_report(ends[1]);

  const std::vector<char*> argv = ArgumentVector(command);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return SystemError(errno, absl::StrCat("cannot start ", command.name));
  if (pid == 0) {
    BecomeProgram(command, argv.data(), input, log.get(), child_report.get(), parent);
  }
  child_report.Close();

  if (const int error = ReadExecError(report.get()); error != 0) {
    waitpid(pid, nullptr, 0);
    return SystemError(error, absl::StrCat("cannot run ", command.program));
  }
  // Not pidfd_open(): in some releases of the C library its header is not for C++.
  FileDescriptor exit_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!exit_fd.valid()) {
    const int error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return SystemError(error, "cannot watch a process (pidfd_open)");
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(command.name, pid, std::move(exit_fd)));
}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  while (!WaitUntil(absl::Now() + absl::Minutes(1)).has_value()) {
  }
}

std::optional<ProcessExit> ChildProcess::Poll() {
  if (exit_.has_value()) return exit_;
  siginfo_t ended = {};
  if (waitid(P_PID, pid_, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) {
    return std::nullopt;
  }
  // What it left behind in its group goes first: until the process is reaped, the
  // group's number cannot belong to anybody else.
  kill(-pid_, SIGKILL);
  int wait_status = 0;
  waitpid(pid_, &wait_status, 0);
  exit_ = DecodeWaitStatus(wait_status);
  return exit_;
}

std::optional<ProcessExit> ChildProcess::WaitUntil(absl::Time deadline) {
  while (!Poll().has_value()) {
    pollfd end = {.fd = exit_fd_.get(), .events = POLLIN, .revents = 0};
    if (poll(&end, 1, MillisecondsUntil(deadline)) == 0 && absl::Now() >= deadline) break;
  }
  return Poll();
}

void ChildProcess::Signal(int signal) {
  if (exit_.has_value()) return;
  kill(-pid_, signal);  // not reaped yet: the number is still its own
}

}  // namespace sr2l
