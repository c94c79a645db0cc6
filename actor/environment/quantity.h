#ifndef SR2L_ACTOR_ENVIRONMENT_QUANTITY_H_
#define SR2L_ACTOR_ENVIRONMENT_QUANTITY_H_

#include <mujoco/mujoco.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// Consecutive coordinates of a quantity.
struct Slice {
  v1::Quantity quantity = v1::QUANTITY_UNSPECIFIED;
  int first = 0;
  int count = 0;
};

// Number of coordinates of `quantity` in simulations of `model`.
int QuantitySize(const mjModel& model, v1::Quantity quantity);

// The coordinates of `quantity`, owned by `simulation`. For SIN_QPOS and COS_QPOS: qpos,
// whose sine or cosine the caller takes.
const mjtNum* QuantityValues(const mjData& simulation, v1::Quantity quantity);

// Checks `first` and `count` (0: to the end) against the model. Errors start with `field`,
// the path of the message that they are in.
absl::StatusOr<Slice> MakeSlice(const mjModel& model, v1::Quantity quantity, int first, int count,
                                absl::string_view field);

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_QUANTITY_H_
