#ifndef SR2L_COMMON_CONFIG_SAVE_H_
#define SR2L_COMMON_CONFIG_SAVE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// Whether a model file of this name would lie where a run's folder has something of its own
// (curve.csv, policies/..., experiments.db). Such names cannot be saved.
bool IsNameOfRunFolder(absl::string_view name);

// Writes `config` into `folder`, which must exist, so that LoadExperiment reads it back from
// there whatever became of the files that it was made from: experiment.textproto and, unless
// the task is a built-in one, the model's files under their names. Durable when it returns OK.
//
// Files may come from the network. Refused, before experiment.textproto is written: names that
// lead out of the folder, also through a link (InvalidArgument), and names under which
// something else lies already (AlreadyExists). The same files again are no error.
absl::Status SaveExperiment(const v1::ExperimentConfig& config, const std::string& folder);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_SAVE_H_
