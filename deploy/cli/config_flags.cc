#include "deploy/cli/config_flags.h"

#include "common/config/load.h"
#include "common/config/validate.h"
#include "common/status/status_macros.h"

namespace sr2l {

void AddConfigFlags(CLI::App& app, ConfigFlags& flags) {
  app.add_option("FILE", flags.file, "Experiment file (.textproto)")->required();
  app.add_option("--set", flags.overrides,
                 "Replaces one field, e.g. trpo.max_kl=0.02 or members.seeds=[0,1,2]; "
                 "may be given many times")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

absl::StatusOr<LoadedConfig> LoadConfig(const ConfigFlags& flags) {
  LoadedConfig config;
  SR2L_ASSIGN_OR_RETURN(config.written, LoadExperiment(flags.file, flags.overrides));
  SR2L_ASSIGN_OR_RETURN(config.resolved, ResolveExperiment(config.written));
  return config;
}

}  // namespace sr2l
