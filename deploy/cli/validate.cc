// sr2l validate: checks an experiment and prints it complete.

#include <iostream>
#include <memory>

#include "common/config/load.h"
#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/config_flags.h"

namespace sr2l {

void AddValidate(CLI::App& app, Action& action) {
  CLI::App* verb =
      app.add_subcommand("validate", "Check an experiment and print it with every default");
  const auto flags = std::make_shared<ConfigFlags>();
  AddConfigFlags(*verb, *flags);
  verb->callback([flags, &action] {
    action = [flags]() -> absl::Status {
      SR2L_ASSIGN_OR_RETURN(const LoadedConfig config, LoadConfig(*flags));
      std::cout << FormatExperiment(config.resolved) << std::flush;
      return absl::OkStatus();
    };
  });
}

}  // namespace sr2l
