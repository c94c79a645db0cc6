#ifndef SR2L_DEPLOY_CLI_TRAINED_MEMBERS_H_
#define SR2L_DEPLOY_CLI_TRAINED_MEMBERS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
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

// "final" or a version, as flags say it.
PolicyChoice ParsePolicyChoice(const std::string& text);

// CLI11 validator: what is wrong with such a text, empty when nothing is.
std::string CheckPolicyChoice(const std::string& text);

// NotFound: the experiment has no such member.
absl::Status CheckMember(uint32_t member, const v1::ExperimentConfig& config);

// A member's policy with what is known of it; `config`: the folder's experiment. NotFound: there
// is no such member, or no policy of it (yet), or none of that version, and which there are;
// FailedPrecondition: a version of sr2l with another major or minor number wrote it;
// InvalidArgument: the file is damaged, or of another task, another member or a member with
// another seed, radius or coefficient than the experiment's. All name the file.
absl::StatusOr<v1::TrainedMember> ReadTrainedMember(const std::string& folder,
                                                    const v1::ExperimentConfig& config,
                                                    uint32_t member, PolicyChoice choice);

// The files of the final policies, policies/member_<k>.member, by member. NotFound: there is none.
absl::StatusOr<std::map<uint32_t, std::string>> FinalMemberFiles(const std::string& folder);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_TRAINED_MEMBERS_H_
