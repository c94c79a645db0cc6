#ifndef SR2L_COMMON_TASK_RESOLVE_TASK_H_
#define SR2L_COMMON_TASK_RESOLVE_TASK_H_

#include <string>

#include "absl/status/status.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// Replaces `builtin` by what it stands for: the built-in task's fields, overridden by
// those set in `task`. Idempotent. Errors name the field (task.builtin).
absl::Status ResolveBuiltin(v1::TaskConfig& task);

// Client side: reads the model file at `task.model` (relative to `folder`) and, following
// the MJCF's file="..." attributes with <compiler meshdir texturedir>, all files that it
// refers to, into `task.files`; `model` becomes the model's name therein. Files outside
// `folder` are refused, as are more than 32 MiB in all. Does nothing without a model path
// or when `files` is already filled.
absl::Status AttachModelFiles(const std::string& folder, v1::TaskConfig& task);

}  // namespace sr2l

#endif  // SR2L_COMMON_TASK_RESOLVE_TASK_H_
