#ifndef SR2L_TESTS_DEPLOY_RUN_PROGRAM_H_
#define SR2L_TESTS_DEPLOY_RUN_PROGRAM_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace sr2l {

// How a program ended and what it wrote.
struct ProgramResult {
  int exit_code = -1;  // -1: killed by a signal, or for taking longer than allowed
  std::string output;  // standard output
  std::string errors;  // standard error
};

// A program that runs while a test does other things. Killed when this goes.
class RunningProgram {
 public:
  // The first of `arguments` is the program's path. Standard input is empty; the output
  // is kept.
  explicit RunningProgram(const std::vector<std::string>& arguments);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal) const;
  std::string output() const;  // so far
  std::string errors() const;

  // Waits for the end; kills the program when that takes longer than `timeout`.
  ProgramResult Wait(absl::Duration timeout);

 private:
  std::string folder_;
  pid_t pid_;
  bool reaped_ = false;
};

ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         absl::Duration timeout = absl::Minutes(2));

// Asks `condition` again and again until it holds (true) or `timeout` has passed (false).
bool Eventually(const std::function<bool()>& condition,
                absl::Duration timeout = absl::Minutes(1));

// The path of one of the project's programs: $SR2L_BIN/NAME.
std::string Binary(const std::string& name);

// The path of a file of the checkout: $SR2L_SOURCE/NAME.
std::string SourceFile(const std::string& name);

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_RUN_PROGRAM_H_
