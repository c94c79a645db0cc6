#ifndef SR2L_ACTOR_ENVIRONMENT_HEALTH_H_
#define SR2L_ACTOR_ENVIRONMENT_HEALTH_H_

#include <mujoco/mujoco.h>

#include <vector>

#include "absl/status/statusor.h"
#include "actor/environment/quantity.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// When an episode goes on. Immutable.
class Health {
 public:
  // Errors name the field.
  static absl::StatusOr<Health> Create(const v1::TaskConfig& task, const mjModel& model);

  // Whether every condition holds.
  bool Holds(const mjData& simulation) const;

 private:
  struct Condition {
    Slice slice;
    double low = 0;
    double high = 0;
    bool closed = false;  // low and high themselves are healthy

    bool Contains(double value) const;
  };

  std::vector<Condition> conditions_;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_HEALTH_H_
