#ifndef SR2L_DEPLOY_CLI_PROCESS_EXIT_H_
#define SR2L_DEPLOY_CLI_PROCESS_EXIT_H_

#include <string>

namespace sr2l {

// How a process ended. A plain value.
struct ProcessExit {
  int code = 0;    // exit status, when `signal` is 0
  int signal = 0;  // that ended it; 0: it ended by itself

  bool ok() const { return code == 0 && signal == 0; }

  // "exited with status 3", "was killed by signal 9 (Killed)".
  std::string Describe() const;
};

// Of a status as waitpid delivers it.
ProcessExit DecodeWaitStatus(int wait_status);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_PROCESS_EXIT_H_
