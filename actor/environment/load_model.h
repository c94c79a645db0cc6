#ifndef SR2L_ACTOR_ENVIRONMENT_LOAD_MODEL_H_
#define SR2L_ACTOR_ENVIRONMENT_LOAD_MODEL_H_

#include <mujoco/mujoco.h>

#include <memory>

#include "absl/status/statusor.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// Compiles the task's model from `task.files`, without touching any disk, and replaces the
// frictions in `task.friction`. Errors name the file or the field.
absl::StatusOr<std::shared_ptr<const mjModel>> LoadModel(const v1::TaskConfig& task);

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_LOAD_MODEL_H_
