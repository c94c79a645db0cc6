#ifndef SR2L_COMMON_CONFIG_LOAD_H_
#define SR2L_COMMON_CONFIG_LOAD_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// Parses protobuf text. Errors are "NAME:LINE:COLUMN: what". A list may hold a range of
// integers, [0..9], which stands for all of them.
absl::StatusOr<v1::ExperimentConfig> ParseExperiment(absl::string_view text,
                                                     const std::string& name);

// Applies "PATH=VALUE" (trpo.max_kl=0.02, members.seeds=[0,1,2], name="x"); a list or
// message is replaced as a whole. An unknown path is an error that names the nearest field.
absl::Status ApplyOverride(absl::string_view assignment, v1::ExperimentConfig& config);

// Reads a file, applies `overrides` in order and attaches the task's model files (paths
// relative to the file). Does not validate.
absl::StatusOr<v1::ExperimentConfig> LoadExperiment(const std::string& path,
                                                    const std::vector<std::string>& overrides);

// `config` as protobuf text with every default written out; the contents of model files
// are left out, with their names and sizes in a comment.
std::string FormatExperiment(const v1::ExperimentConfig& config);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_LOAD_H_
