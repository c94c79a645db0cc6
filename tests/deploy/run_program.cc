#include "tests/deploy/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/time/clock.h"
#include "common/status/check.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

std::string FromEnvironment(const char* variable, const std::string& name) {
  const char* folder = getenv(variable);
  SR2L_CHECK(folder != nullptr);  // ctest sets it
  return std::string(folder) + "/" + name;
}

// In a group and with a signal state of its own, as a shell would start it.
pid_t Spawn(const std::vector<std::string>& arguments, const std::string& folder) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, 1, (folder + "/output").c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&files, 2, (folder + "/errors").c_str(), flags, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  pid_t pid = 0;
  SR2L_CHECK(posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return pid;
}

}  // namespace

RunningProgram::RunningProgram(const std::vector<std::string>& arguments)
    : folder_((std::filesystem::temp_directory_path() / "sr2l-test-XXXXXX").string()) {
  SR2L_CHECK(mkdtemp(folder_.data()) != nullptr);
  pid_ = Spawn(arguments, folder_);
}

RunningProgram::~RunningProgram() {
  if (!reaped_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RunningProgram::Signal(int signal) const {
  if (!reaped_) kill(pid_, signal);
}

std::string RunningProgram::output() const { return ReadFile(folder_ + "/output"); }
std::string RunningProgram::errors() const { return ReadFile(folder_ + "/errors"); }

ProgramResult RunningProgram::Wait(absl::Duration timeout) {
  const int exit_fd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd exit = {.fd = exit_fd, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&exit, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
  } while (ready < 0 && errno == EINTR);
  close(exit_fd);
  if (ready == 0) kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  reaped_ = true;
  const bool exited = ready != 0 && WIFEXITED(status);
  return {.exit_code = exited ? WEXITSTATUS(status) : -1, .output = output(), .errors = errors()};
}

ProgramResult RunProgram(const std::vector<std::string>& arguments, absl::Duration timeout) {
  return RunningProgram(arguments).Wait(timeout);
}

bool Eventually(const std::function<bool()>& condition, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() >= deadline) return false;
    poll(nullptr, 0, /*milliseconds=*/10);
  }
  return true;
}

std::string Binary(const std::string& name) { return FromEnvironment("SR2L_BIN", name); }

std::string SourceFile(const std::string& name) { return FromEnvironment("SR2L_SOURCE", name); }

}  // namespace sr2l
