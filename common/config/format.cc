#include <google/protobuf/text_format.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/config/defaults.h"
#include "common/config/load.h"
#include "common/config/task_text.h"
#include "common/task/builtin_tasks.h"
#include "common/task/resolve_task.h"

namespace sr2l {
namespace {

std::string FilesComment(const v1::TaskConfig& task) {
  if (task.files().empty()) return "";
  std::string comment = "# Model files, whose contents are left out here:\n";
  for (const v1::ModelFile& file : task.files()) {
    absl::StrAppend(&comment, "#   ", absl::Utf8SafeCHexEscape(file.name()), ", ",
                    file.content().size(), " bytes\n");
  }
  return comment;
}

}  // namespace

v1::TaskConfig TaskInText(const v1::TaskConfig& task) {
  v1::TaskConfig text = task;
  text.clear_files();
  if (task.files().empty()) return text;
  for (const std::string& name : BuiltinTaskNames()) {
    v1::TaskConfig candidate = text;
    candidate.clear_model();
    candidate.set_builtin(name);
    v1::TaskConfig resolved = candidate;
    if (ResolveBuiltin(resolved).ok() &&
        resolved.SerializeAsString() == task.SerializeAsString()) {
      return candidate;
    }
  }
  return text;
}

std::string FormatExperiment(const v1::ExperimentConfig& config) {
  v1::ExperimentConfig complete = config;
  WriteDefaults(complete);
  const std::string comment = FilesComment(complete.task());
  if (complete.has_task()) *complete.mutable_task() = TaskInText(complete.task());
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseShortRepeatedPrimitives(true);
  std::string text;
  printer.PrintToString(complete, &text);
  return absl::StrCat(comment, text);
}

}  // namespace sr2l
