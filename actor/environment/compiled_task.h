#ifndef SR2L_ACTOR_ENVIRONMENT_COMPILED_TASK_H_
#define SR2L_ACTOR_ENVIRONMENT_COMPILED_TASK_H_

#include <mujoco/mujoco.h>

#include <memory>

#include "absl/status/statusor.h"
#include "actor/environment/action_map.h"
#include "actor/environment/health.h"
#include "actor/environment/observer.h"
#include "actor/environment/rewarder.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// A task with its model loaded and its names and indices looked up. Immutable; shared by
// all environments of the task, also among threads.
class CompiledTask {
 public:
  // `task` must be resolved (common/task/resolve_task.h). InvalidArgument names the field or
  // the model file, what is allowed and what was given.
  static absl::StatusOr<std::shared_ptr<const CompiledTask>> Create(const v1::TaskConfig& task);

  const mjModel& model() const { return *model_; }
  const ActionMap& action_map() const { return action_map_; }
  const Observer& observer() const { return observer_; }
  const Rewarder& rewarder() const { return rewarder_; }
  const Health& health() const { return health_; }
  const v1::ResetConfig& reset() const { return reset_; }
  int frame_skip() const { return frame_skip_; }       // physics steps per step
  uint32_t step_limit() const { return step_limit_; }  // of an episode
  // Whether cfrc_ext must be computed after a step.
  bool needs_contact_forces() const {
    return observer_.sees_contact_forces() || rewarder_.sees_contact_forces();
  }

 private:
  CompiledTask(const v1::TaskConfig& task, std::shared_ptr<const mjModel> model,
               ActionMap action_map, Observer observer, Rewarder rewarder, Health health);

  const std::shared_ptr<const mjModel> model_;
  const ActionMap action_map_;
  const Observer observer_;
  const Rewarder rewarder_;
  const Health health_;
  const v1::ResetConfig reset_;
  const int frame_skip_;
  const uint32_t step_limit_;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_COMPILED_TASK_H_
