#ifndef SR2L_COMMON_CONFIG_VALIDATE_H_
#define SR2L_COMMON_CONFIG_VALIDATE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// Checks every field against the range in its .proto comment. The error is
// InvalidArgument and reads "trpo.max_kl must be in (0, 100], got -1": the field's path,
// what is allowed, the value. Unknown fields are refused, at any depth. `task` must be
// resolved (common/task/resolve_task.h).
absl::Status Validate(const v1::ExperimentConfig& config);
absl::Status ValidateTask(const v1::TaskConfig& task);

// What a service does with a submitted config: resolves the built-in task, writes every
// default out (also members, one by one, in canonical order), validates.
absl::StatusOr<v1::ExperimentConfig> ResolveExperiment(v1::ExperimentConfig config);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_VALIDATE_H_
