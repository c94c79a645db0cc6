#ifndef SR2L_COMMON_TASK_BUILTIN_TASKS_H_
#define SR2L_COMMON_TASK_BUILTIN_TASKS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// Names of the built-in tasks (actor/tasks/*.textproto), sorted. They and their models
// are compiled in, so no process needs a data folder.
std::vector<std::string> BuiltinTaskNames();

// The task with its model in `files`. NotFound names the built-in tasks.
absl::StatusOr<v1::TaskConfig> BuiltinTask(const std::string& name);

}  // namespace sr2l

#endif  // SR2L_COMMON_TASK_BUILTIN_TASKS_H_
