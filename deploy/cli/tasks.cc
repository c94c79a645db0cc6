// sr2l tasks: the built-in tasks.

#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/task/builtin_tasks.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/text_table.h"

namespace sr2l {
namespace {

absl::Status PrintTasks() {
  TextTable table({"task", "observations", "actions", "frame skip", "step limit"});
  for (const std::string& name : BuiltinTaskNames()) {
    SR2L_ASSIGN_OR_RETURN(const v1::TaskConfig task, BuiltinTask(name));
    table.Add({name, absl::StrCat(task.observation_dim()), absl::StrCat(task.action_dim()),
               absl::StrCat(task.frame_skip()), absl::StrCat(task.step_limit())});
  }
  std::cout << table.Format() << std::flush;
  return absl::OkStatus();
}

}  // namespace

void AddTasks(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("tasks", "The built-in tasks with their dimensions");
  verb->callback([&action] { action = PrintTasks; });
}

}  // namespace sr2l
