#ifndef SR2L_DEPLOY_CLI_MEMBER_TABLE_H_
#define SR2L_DEPLOY_CLI_MEMBER_TABLE_H_

#include <map>
#include <string>

#include "deploy/cli/learning_curve.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// A row per member: seed, radius, coefficient, rounds, newest return, that of the newest
// evaluation during training where there are any, nonsmoothness and whether it failed. Empty
// without members.
std::string FormatMembers(const v1::Progress& progress);

// The same at the end of a run, with the mean return of the last 20 rounds of each
// member's curve.
std::string FormatResults(const v1::Progress& progress,
                          const std::map<uint32_t, LearningCurve>& curves);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_MEMBER_TABLE_H_
