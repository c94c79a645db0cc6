#ifndef SR2L_DEPLOY_CLI_PROGRESS_LINE_H_
#define SR2L_DEPLOY_CLI_PROGRESS_LINE_H_

#include <string>

#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// How an experiment stands, on one line: share and number of steps, steps per second,
// mean and standard deviation over members of their newest return and of their newest
// evaluation during training, mean KL and D ratio, remaining time. What is not known yet is left
// out.
std::string FormatProgress(const v1::Experiment& experiment);

// "waiting for ...", or nothing.
std::string FormatWaiting(const v1::Experiment& experiment);

// Mean and standard deviation of one figure over the members that have it and have not
// failed.
struct MemberSpread {
  int count = 0;
  double mean = 0;
  double deviation = 0;  // of the population; 0 for one member
};
MemberSpread SpreadOverMembers(const v1::Progress& progress,
                               bool (v1::MemberProgress::*has_figure)() const,
                               double (v1::MemberProgress::*figure)() const);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_PROGRESS_LINE_H_
