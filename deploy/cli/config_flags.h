#ifndef SR2L_DEPLOY_CLI_CONFIG_FLAGS_H_
#define SR2L_DEPLOY_CLI_CONFIG_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// An experiment's file and what overrides it: FILE [--set PATH=VALUE ...].
struct ConfigFlags {
  std::string file;
  std::vector<std::string> overrides;
};

// `flags` must outlive `app`.
void AddConfigFlags(CLI::App& app, ConfigFlags& flags);

// An experiment as it was written, with its model's files, and as it will be run, with
// every default.
struct LoadedConfig {
  v1::ExperimentConfig written;
  v1::ExperimentConfig resolved;
};

// Reads and validates.
absl::StatusOr<LoadedConfig> LoadConfig(const ConfigFlags& flags);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_CONFIG_FLAGS_H_
