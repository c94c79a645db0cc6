#ifndef SR2L_ACTOR_ENVIRONMENT_ACTION_MAP_H_
#define SR2L_ACTOR_ENVIRONMENT_ACTION_MAP_H_

#include <mujoco/mujoco.h>

#include <vector>

#include "absl/status/statusor.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// From a policy's action in [-1, 1] to the actuators' controls. Immutable.
class ActionMap {
 public:
  // Errors name the field; action_dim must equal the model's number of actuators, and
  // without task.action_range every actuator needs a control range.
  static absl::StatusOr<ActionMap> Create(const v1::TaskConfig& task, const mjModel& model);

  int dim() const { return static_cast<int>(centres_.size()); }

  // Clips `action` [dim] to [-1, 1] and maps it to `controls` [dim]. False when an entry is
  // not a number.
  bool Apply(const float* action, mjtNum* controls) const;

 private:
  // Of the range of each actuator. Exact where the range is [-1, 1].
  std::vector<double> centres_;
  std::vector<double> half_widths_;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_ACTION_MAP_H_
