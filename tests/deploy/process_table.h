#ifndef SR2L_TESTS_DEPLOY_PROCESS_TABLE_H_
#define SR2L_TESTS_DEPLOY_PROCESS_TABLE_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace sr2l {

// A running process, from /proc. Zombies are not running.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  std::string command_line;  // arguments, joined by spaces
};

std::vector<ProcessEntry> RunningProcesses();

// The children of `parent` whose command line contains `text`.
std::vector<pid_t> ChildrenWith(pid_t parent, const std::string& text);

// The number of processes whose command line contains `text`.
int NumProcessesWith(const std::string& text);

bool IsRunning(pid_t pid);

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_PROCESS_TABLE_H_
