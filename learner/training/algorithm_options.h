#ifndef SR2L_LEARNER_TRAINING_ALGORITHM_OPTIONS_H_
#define SR2L_LEARNER_TRAINING_ALGORITHM_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "learner/algorithms/trpo.h"
#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// From a resolved and validated configuration to the algorithms' own options. The
// algorithms know no protobuf, so that they build where there is none.
TrpoOptions MakeTrpoOptions(const v1::ExperimentConfig& config);
std::optional<SmoothnessOptions> MakeSmoothnessOptions(const v1::ExperimentConfig& config);
DdpgOptions MakeDdpgOptions(const v1::ExperimentConfig& config);
std::optional<DdpgSmoothness> MakeDdpgSmoothness(const v1::ExperimentConfig& config);
std::vector<MemberOptions> MakeMemberOptions(const v1::ExperimentConfig& config,
                                             const std::vector<uint32_t>& members);

// The policy's network as actors are told of it.
v1::NetworkShape PolicyNetworkShape(const v1::ExperimentConfig& config);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_ALGORITHM_OPTIONS_H_
