#include "deploy/cli/learner_flags.h"

#include "common/daemon/daemon_flags.h"

namespace sr2l {

void AddLearnerFlags(CLI::App& app, LearnerFlags& flags) {
  app.add_option("--learner", flags.address, "Address of sr2l-learner: host:port or unix:/path")
      ->type_name("ADDRESS")
      ->required();
  AddSecurityFlags(app, flags.security);
}

absl::StatusOr<std::unique_ptr<ExperimentsClient>> Connect(const LearnerFlags& flags) {
  return ExperimentsClient::Create(flags.address, flags.security);
}

}  // namespace sr2l
