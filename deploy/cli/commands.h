#ifndef SR2L_DEPLOY_CLI_COMMANDS_H_
#define SR2L_DEPLOY_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>

#include "absl/status/status.h"

namespace sr2l {

// What the command line asked for; run after it was parsed. Results go to standard
// output; what went wrong is the status.
using Action = std::function<absl::Status()>;

// Each adds one verb to `app`, which sets `action` when it is given. `action` outlives
// the parsing.
void AddTrain(CLI::App& app, Action& action);
void AddResume(CLI::App& app, Action& action);
void AddValidate(CLI::App& app, Action& action);
void AddSubmit(CLI::App& app, Action& action);
void AddList(CLI::App& app, Action& action);
void AddShow(CLI::App& app, Action& action);
void AddWatch(CLI::App& app, Action& action);
void AddCancel(CLI::App& app, Action& action);
void AddLimiter(CLI::App& app, Action& action);
void AddTasks(CLI::App& app, Action& action);
void AddDigest(CLI::App& app, Action& action);
void AddAudit(CLI::App& app, Action& action);
void AddEvaluate(CLI::App& app, Action& action);
void AddPlay(CLI::App& app, Action& action);
void AddExport(CLI::App& app, Action& action);
void AddVerify(CLI::App& app, Action& action);
void AddReport(CLI::App& app, Action& action);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_COMMANDS_H_
