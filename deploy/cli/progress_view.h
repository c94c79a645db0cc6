#ifndef SR2L_DEPLOY_CLI_PROGRESS_VIEW_H_
#define SR2L_DEPLOY_CLI_PROGRESS_VIEW_H_

#include <string>

#include "absl/time/time.h"
#include "deploy/cli/experiment_watcher.h"
#include "deploy/cli/progress_printer.h"

namespace sr2l {

// The progress line for what is known at `now`. It names what training waits for when no
// round ended for some seconds, and says so when the learner is silent or out of reach.
std::string DescribeNews(const ExperimentNews& news, absl::Time now);

// Shows it, once there is something to tell.
void ShowNews(const ExperimentNews& news, ProgressPrinter& printer);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_PROGRESS_VIEW_H_
