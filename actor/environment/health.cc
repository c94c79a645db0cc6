#include "actor/environment/health.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {

absl::StatusOr<Health> Health::Create(const v1::TaskConfig& task, const mjModel& model) {
  Health health;
  for (int i = 0; i < task.health_size(); ++i) {
    const v1::HealthCondition& config = task.health(i);
    const std::string field = absl::StrCat("task.health[", i, "]");
    if (config.quantity() != v1::QPOS && config.quantity() != v1::QVEL) {
      return absl::InvalidArgumentError(absl::StrCat(field, ".quantity must be QPOS or QVEL, got ",
                                                     v1::Quantity_Name(config.quantity())));
    }
    if (!(config.low() < config.high())) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ".low must be < high, got ", config.low(), " and ", config.high()));
    }
    SR2L_ASSIGN_OR_RETURN(const Slice slice, MakeSlice(model, config.quantity(), config.first(),
                                                       config.count(), field));
    health.conditions_.push_back({slice, config.low(), config.high(), config.closed()});
  }
  return health;
}

bool Health::Condition::Contains(double value) const {
  if (!std::isfinite(value)) return false;
  return closed ? low <= value && value <= high : low < value && value < high;
}

bool Health::Holds(const mjData& simulation) const {
  for (const Condition& condition : conditions_) {
    const mjtNum* values =
        QuantityValues(simulation, condition.slice.quantity) + condition.slice.first;
    for (int i = 0; i < condition.slice.count; ++i) {
      if (!condition.Contains(values[i])) return false;
    }
  }
  return true;
}

}  // namespace sr2l
