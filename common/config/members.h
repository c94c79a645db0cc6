#ifndef SR2L_COMMON_CONFIG_MEMBERS_H_
#define SR2L_COMMON_CONFIG_MEMBERS_H_

#include <vector>

#include "common/config/limits.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// How many members `config` asks for; without `members` it is one. At most kMaxMembers
// elements in each list.
int64_t CountMembers(const v1::ExperimentConfig& config);

// The members one by one, every field set, in canonical order: as listed, or the lists
// crossed with radius outermost, then coefficient, then seed. Without `smoothness` radius
// and coefficient are 0. At most kMaxMembers of them.
std::vector<v1::MemberConfig> ExpandMembers(const v1::ExperimentConfig& config);

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_MEMBERS_H_
