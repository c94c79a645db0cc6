#ifndef SR2L_DEPLOY_CLI_STORED_EXPERIMENT_H_
#define SR2L_DEPLOY_CLI_STORED_EXPERIMENT_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "deploy/cli/run_folder.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// The run's experiment with its whole configuration, as the learner stored it; nullopt when
// nothing was submitted yet. Reads the learner's file: call it while no learner runs.
absl::StatusOr<std::optional<v1::Experiment>> ReadStoredExperiment(const RunFolder& folder);

// Refuses to go on with `stored` when `resolved`, which is what the folder's experiment file
// says now, differs from it (FailedPrecondition: field, both values, what to do). The limiter
// may differ: it can be changed while the run goes on, and the file is not.
absl::Status CheckSameExperiment(const v1::ExperimentConfig& resolved,
                                 const v1::ExperimentConfig& stored, const RunFolder& folder);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_STORED_EXPERIMENT_H_
