#ifndef SR2L_COMMON_TASK_BUILTIN_FILES_H_
#define SR2L_COMMON_TASK_BUILTIN_FILES_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sr2l {

struct BuiltinFile {
  absl::string_view name;  // without a folder
  absl::string_view content;
};

// The files of actor/tasks and actor/models, as they were when this was built. Valid
// for ever.
absl::Span<const BuiltinFile> BuiltinFiles();

}  // namespace sr2l

#endif  // SR2L_COMMON_TASK_BUILTIN_FILES_H_
