#ifndef SR2L_DEPLOY_CLI_LEARNER_FLAGS_H_
#define SR2L_DEPLOY_CLI_LEARNER_FLAGS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/credentials.h"
#include "deploy/cli/experiments_client.h"

namespace sr2l {

// Which learner is called, and how: --learner ADDRESS, --tls-*, --insecure.
struct LearnerFlags {
  std::string address;
  TransportSecurity security;
};

// `flags` must outlive `app`.
void AddLearnerFlags(CLI::App& app, LearnerFlags& flags);

absl::StatusOr<std::unique_ptr<ExperimentsClient>> Connect(const LearnerFlags& flags);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_LEARNER_FLAGS_H_
