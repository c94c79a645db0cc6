#include "common/task/builtin_tasks.h"

#include <google/protobuf/text_format.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/status/check.h"
#include "common/status/status_macros.h"
#include "common/task/builtin_files.h"
#include "common/task/model_files.h"

namespace sr2l {
namespace {

constexpr absl::string_view kTaskSuffix = ".textproto";

absl::StatusOr<std::string> ReadBuiltin(const std::string& name) {
  for (const BuiltinFile& file : BuiltinFiles()) {
    if (file.name == name) return std::string(file.content);
  }
  return absl::NotFoundError("there is no such built-in file");
}

}  // namespace

std::vector<std::string> BuiltinTaskNames() {
  std::vector<std::string> names;
  for (const BuiltinFile& file : BuiltinFiles()) {
    if (absl::EndsWith(file.name, kTaskSuffix)) {
      names.emplace_back(absl::StripSuffix(file.name, kTaskSuffix));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<v1::TaskConfig> BuiltinTask(const std::string& name) {
  const absl::StatusOr<std::string> text = ReadBuiltin(absl::StrCat(name, kTaskSuffix));
  if (!text.ok()) {
    return absl::NotFoundError(absl::StrCat("there is no built-in task \"", name, "\"; there are ",
                                            absl::StrJoin(BuiltinTaskNames(), ", ")));
  }
  v1::TaskConfig task;
  SR2L_CHECK(google::protobuf::TextFormat::ParseFromString(*text, &task));
  SR2L_ASSIGN_OR_RETURN(std::vector<v1::ModelFile> files,
                        CollectModelFiles(task.model(), ReadBuiltin));
  for (v1::ModelFile& file : files) *task.add_files() = std::move(file);
  return task;
}

}  // namespace sr2l
