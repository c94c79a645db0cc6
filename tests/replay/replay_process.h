#ifndef SR2L_TESTS_REPLAY_REPLAY_PROCESS_H_
#define SR2L_TESTS_REPLAY_REPLAY_PROCESS_H_

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace sr2l {

// The program sr2l-replay as a child, started and killed any number of times. Its standard error
// goes to the end of a file.
class ReplayProcess {
 public:
  ReplayProcess(std::vector<std::string> arguments, std::string stderr_path)
      : arguments_(std::move(arguments)), stderr_path_(std::move(stderr_path)) {
    const char* bin = getenv("SR2L_BIN");
    EXPECT_NE(bin, nullptr) << "run by ctest, which sets SR2L_BIN";
    arguments_.insert(arguments_.begin(), std::string(bin ? bin : ".") + "/sr2l-replay");
  }
  ~ReplayProcess() {
    if (child_ > 0) Kill();
  }
  ReplayProcess(const ReplayProcess&) = delete;
  ReplayProcess& operator=(const ReplayProcess&) = delete;

  void Start() {
    std::vector<char*> argv;
    for (std::string& argument : arguments_) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = fork();
    if (child_ == 0) {
      if (freopen(stderr_path_.c_str(), "a", stderr) == nullptr) _exit(126);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }

  void Kill() { End(SIGKILL); }
  // Its exit code, -1 after a signal.
  int Terminate() { return End(SIGTERM); }

  // Whether it runs; otherwise its exit code is kept.
  bool Runs() {
    int status = 0;
    if (child_ <= 0 || waitpid(child_, &status, WNOHANG) == 0) return child_ > 0;
    child_ = -1;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return false;
  }
  pid_t pid() const { return child_; }  // -1: it does not run
  int exit_code() const { return exit_code_; }  // -1: none, or it died of a signal

 private:
  int End(int signal) {
    EXPECT_EQ(kill(child_, signal), 0);
    int status = 0;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    child_ = -1;
    return exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::vector<std::string> arguments_;
  const std::string stderr_path_;
  pid_t child_ = -1;
  int exit_code_ = -1;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_REPLAY_PROCESS_H_
