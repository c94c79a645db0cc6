#ifndef SR2L_ACTOR_ENVIRONMENT_OBSERVER_H_
#define SR2L_ACTOR_ENVIRONMENT_OBSERVER_H_

#include <mujoco/mujoco.h>

#include <vector>

#include "absl/status/statusor.h"
#include "actor/environment/quantity.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// What a task's policy sees of a simulation. Immutable.
class Observer {
 public:
  // Errors name the field; observation_dim must equal what the terms add up to.
  static absl::StatusOr<Observer> Create(const v1::TaskConfig& task, const mjModel& model);

  int dim() const { return dim_; }

  // Whether cfrc_ext is looked at.
  bool sees_contact_forces() const { return sees_contact_forces_; }

  // Writes the observation [dim] as the simulation stands. False when a number is not
  // finite.
  bool Observe(const mjData& simulation, float* observation) const;

 private:
  struct Term {
    Slice slice;
    double clip = 0;    // 0: none
    bool zero = false;  // always 0 instead of the slice
  };

  std::vector<Term> terms_;
  int dim_ = 0;
  bool sees_contact_forces_ = false;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_OBSERVER_H_
