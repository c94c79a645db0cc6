#include "actor/environment/action_map.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace sr2l {

absl::StatusOr<ActionMap> ActionMap::Create(const v1::TaskConfig& task, const mjModel& model) {
  if (model.nu == 0 || task.action_dim() != model.nu) {
    return absl::InvalidArgumentError(absl::StrCat("task.action_dim is ", task.action_dim(),
                                                   ", but the model has ", model.nu,
                                                   " actuators, and at least 1 is needed"));
  }
  ActionMap map;
  for (int i = 0; i < model.nu; ++i) {
    double low = task.action_range().low();
    double high = task.action_range().high();
    if (!task.has_action_range()) {
      if (!model.actuator_ctrllimited[i]) {
        return absl::InvalidArgumentError(
            absl::StrCat("task.action_range must be set, because the model's actuator ", i,
                         " has no control range (ctrllimited and ctrlrange)"));
      }
      low = model.actuator_ctrlrange[2 * i];
      high = model.actuator_ctrlrange[2 * i + 1];
    }
    if (!(low < high) || !std::isfinite(low) || !std::isfinite(high)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "task.action_range must be finite with low < high, got ", low, " and ", high));
    }
    map.centres_.push_back(low + (high - low) / 2);
    map.half_widths_.push_back((high - low) / 2);
  }
  return map;
}

bool ActionMap::Apply(const float* action, mjtNum* controls) const {
  bool numbers = true;
  for (int i = 0; i < dim(); ++i) {
    numbers &= !std::isnan(action[i]);
    const double clipped = std::clamp(static_cast<double>(action[i]), -1.0, 1.0);
    controls[i] = centres_[i] + half_widths_[i] * clipped;
  }
  return numbers;
}

}  // namespace sr2l
