#ifndef SR2L_ACTOR_ENVIRONMENT_MODEL_NAMES_H_
#define SR2L_ACTOR_ENVIRONMENT_MODEL_NAMES_H_

#include <mujoco/mujoco.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// The index of the body, geom or camera called `name`. The error starts with `field` and lists
// the names that the model has.
absl::StatusOr<int> FindByName(const mjModel& model, mjtObj type, const std::string& name,
                               absl::string_view field);

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_MODEL_NAMES_H_
