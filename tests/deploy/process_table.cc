#include "tests/deploy/process_table.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "absl/strings/numbers.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {

std::vector<ProcessEntry> RunningProcesses() {
  std::vector<ProcessEntry> processes;
  for (const auto& folder : std::filesystem::directory_iterator("/proc")) {
    ProcessEntry process;
    if (!absl::SimpleAtoi(folder.path().filename().string(), &process.pid)) continue;
    const std::string stat = ReadFile(folder.path() / "stat");
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;  // it has just ended
    char state = 'Z';
    std::istringstream(stat.substr(name_end + 1)) >> state >> process.parent;
    if (state == 'Z' || state == 'X') continue;
    process.command_line = ReadFile(folder.path() / "cmdline");
    std::replace(process.command_line.begin(), process.command_line.end(), '\0', ' ');
    processes.push_back(std::move(process));
  }
  return processes;
}

std::vector<pid_t> ChildrenWith(pid_t parent, const std::string& text) {
  std::vector<pid_t> children;
  for (const ProcessEntry& process : RunningProcesses()) {
    const bool matches = process.command_line.find(text) != std::string::npos;
    if (process.parent == parent && matches) children.push_back(process.pid);
  }
  return children;
}

int NumProcessesWith(const std::string& text) {
  int count = 0;
  for (const ProcessEntry& process : RunningProcesses()) {
    count += process.command_line.find(text) != std::string::npos ? 1 : 0;
  }
  return count;
}

bool IsRunning(pid_t pid) {
  for (const ProcessEntry& process : RunningProcesses()) {
    if (process.pid == pid) return true;
  }
  return false;
}

}  // namespace sr2l
