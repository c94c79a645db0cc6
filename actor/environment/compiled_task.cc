#include "actor/environment/compiled_task.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "actor/environment/load_model.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

absl::Status CheckRange(int value, int high, const char* field) {
  if (value >= 1 && value <= high) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " must be in [1, ", high, "], got ", value));
}

absl::Status CheckNoise(const v1::ResetNoise& noise, const char* field) {
  if (noise.scale() >= 0 && std::isfinite(noise.scale())) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ".scale must be finite and >= 0, got ", noise.scale()));
}

absl::Status CheckNumbers(const v1::TaskConfig& task) {
  if (task.has_builtin()) {
    return absl::InvalidArgumentError("task.builtin must be resolved before the task is used");
  }
  SR2L_RETURN_IF_ERROR(CheckRange(task.frame_skip(), 1000, "task.frame_skip"));
  SR2L_RETURN_IF_ERROR(CheckRange(task.step_limit(), 1000000, "task.step_limit"));
  SR2L_RETURN_IF_ERROR(CheckNoise(task.reset().qpos(), "task.reset.qpos"));
  return CheckNoise(task.reset().qvel(), "task.reset.qvel");
}

}  // namespace

CompiledTask::CompiledTask(const v1::TaskConfig& task, std::shared_ptr<const mjModel> model,
                           ActionMap action_map, Observer observer, Rewarder rewarder,
                           Health health)
    : model_(std::move(model)),
      action_map_(std::move(action_map)),
      observer_(std::move(observer)),
      rewarder_(std::move(rewarder)),
      health_(std::move(health)),
      reset_(task.reset()),
      frame_skip_(task.frame_skip()),
      step_limit_(static_cast<uint32_t>(task.step_limit())) {}

absl::StatusOr<std::shared_ptr<const CompiledTask>> CompiledTask::Create(
    const v1::TaskConfig& task) {
  SR2L_RETURN_IF_ERROR(CheckNumbers(task));
  SR2L_ASSIGN_OR_RETURN(std::shared_ptr<const mjModel> model, LoadModel(task));
  SR2L_ASSIGN_OR_RETURN(ActionMap action_map, ActionMap::Create(task, *model));
  SR2L_ASSIGN_OR_RETURN(Observer observer, Observer::Create(task, *model));
  SR2L_ASSIGN_OR_RETURN(Rewarder rewarder, Rewarder::Create(task, *model));
  SR2L_ASSIGN_OR_RETURN(Health health, Health::Create(task, *model));
  return std::shared_ptr<const CompiledTask>(
      new CompiledTask(task, std::move(model), std::move(action_map), std::move(observer),
                       std::move(rewarder), std::move(health)));
}

}  // namespace sr2l
