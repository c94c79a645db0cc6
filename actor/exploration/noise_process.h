#ifndef SR2L_ACTOR_EXPLORATION_NOISE_PROCESS_H_
#define SR2L_ACTOR_EXPLORATION_NOISE_PROCESS_H_

#include "absl/status/statusor.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// How exploration noise x evolves, each action by itself, with z standard normal:
//   x <- decay x + scale z
// Ornstein-Uhlenbeck: decay = 1 - theta dt, scale = sigma sqrt(dt). Gaussian: decay = 0,
// scale = sigma. A plain value.
struct NoiseProcess {
  double decay = 0;  // in [0, 1]
  double scale = 0;  // >= 0
};

// InvalidArgument names the field, its value and what is allowed.
absl::StatusOr<NoiseProcess> MakeNoiseProcess(const v1::ExplorationConfig& config);

}  // namespace sr2l

#endif  // SR2L_ACTOR_EXPLORATION_NOISE_PROCESS_H_
