#ifndef SR2L_DEPLOY_CLI_TRAINED_MEMBERS_H_
#define SR2L_DEPLOY_CLI_TRAINED_MEMBERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// What a run's folder holds, read without changing anything in it, also while it trains.

// Its experiment with every default and its model's files. NotFound: it is no run's folder.
absl::StatusOr<v1::ExperimentConfig> ReadRunExperiment(const std::string& folder);

// Which of the policies that a run keeps of a member: unset: the final one, or, while the
// run goes on, the newest; set: the one of this version.
using PolicyChoice = std::optional<uint64_t>;

// A member's policy with what is known of it. NotFound: there is none (yet), or none of that
// version, and which there are; FailedPrecondition: another version of sr2l wrote it;
// InvalidArgument: the file is damaged or another member's. All name the file.
absl::StatusOr<v1::TrainedMember> ReadTrainedMember(const std::string& folder, uint32_t member,
                                                    PolicyChoice choice);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_TRAINED_MEMBERS_H_
