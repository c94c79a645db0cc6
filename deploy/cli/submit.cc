// sr2l submit: hands an experiment to a learner.

#include <iostream>
#include <memory>

#include "common/config/load.h"
#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/config_flags.h"
#include "deploy/cli/learner_flags.h"

namespace sr2l {
namespace {

struct SubmitFlags {
  ConfigFlags config;
  LearnerFlags learner;
  std::string idempotency_key;
  bool dry_run = false;
};

// Prints the experiment's id; after a dry run the configuration as the learner reads it.
absl::Status Submit(const SubmitFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const LoadedConfig config, LoadConfig(flags.config));
  SR2L_ASSIGN_OR_RETURN(const auto client, Connect(flags.learner));
  v1::SubmitRequest request;
  *request.mutable_config() = config.written;
  request.set_idempotency_key(flags.idempotency_key);
  request.set_dry_run(flags.dry_run);
  SR2L_ASSIGN_OR_RETURN(const v1::SubmitResponse response, client->Submit(request));
  if (flags.dry_run) {
    std::cout << FormatExperiment(response.config()) << std::flush;
  } else {
    std::cout << response.experiment_id() << std::endl;
  }
  return absl::OkStatus();
}

}  // namespace

void AddSubmit(CLI::App& app, Action& action) {
  CLI::App* verb =
      app.add_subcommand("submit", "Hand an experiment to a learner and print its id");
  const auto flags = std::make_shared<SubmitFlags>();
  AddConfigFlags(*verb, flags->config);
  AddLearnerFlags(*verb, flags->learner);
  verb->add_option("--idempotency-key", flags->idempotency_key,
                   "Submitting again with the same key gives the same experiment")
      ->type_name("KEY");
  verb->add_flag("--dry-run", flags->dry_run,
                 "Only let the learner check it; print it with every default");
  verb->callback([flags, &action] { action = [flags] { return Submit(*flags); }; });
}

}  // namespace sr2l
