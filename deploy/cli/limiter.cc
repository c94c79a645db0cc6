// sr2l limiter: shows or changes what holds actors and learner of a running experiment
// together.

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "deploy/cli/command_line.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/learner_flags.h"
#include "deploy/cli/progress_line.h"

namespace sr2l {
namespace {

struct LimiterFlags {
  std::string id;
  std::optional<double> samples_per_insert;
  std::optional<double> tolerance;
  std::optional<int32_t> max_staleness;
  LearnerFlags learner;
};

absl::StatusOr<v1::Experiment> ShowOrChange(const LimiterFlags& flags) {
  v1::LimiterConfig limiter;
  if (flags.samples_per_insert) limiter.set_samples_per_insert(*flags.samples_per_insert);
  if (flags.tolerance) limiter.set_tolerance(*flags.tolerance);
  if (flags.max_staleness) limiter.set_max_staleness(*flags.max_staleness);
  SR2L_ASSIGN_OR_RETURN(const auto client, Connect(flags.learner));
  if (limiter.ByteSizeLong() > 0) return client->SetLimiter(flags.id, limiter);
  return client->Get(flags.id);
}

absl::Status Limiter(const LimiterFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const v1::Experiment experiment, ShowOrChange(flags));
  if (!experiment.config().has_limiter()) {
    return absl::FailedPreconditionError(absl::StrCat(
        flags.id, " has no limiter: its collection is not FREE_RUNNING"));
  }
  const v1::LimiterConfig& limiter = experiment.config().limiter();
  std::cout << "samples_per_insert: " << absl::StrCat(limiter.samples_per_insert())
            << "\ntolerance: " << absl::StrCat(limiter.tolerance())
            << "\nmax_staleness: " << limiter.max_staleness() << "\n";
  const std::string waiting = FormatWaiting(experiment);
  if (!waiting.empty()) std::cout << waiting << "\n";
  std::cout << std::flush;
  return absl::OkStatus();
}

}  // namespace

void AddLimiter(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "limiter", "Show or change the limiter of a FREE_RUNNING experiment, also while it runs");
  const auto flags = std::make_shared<LimiterFlags>();
  verb->add_option("ID", flags->id, "The experiment's id")->required();
  verb->add_option("--samples-per-insert", flags->samples_per_insert,
                   "How often a transition is drawn on average");
  verb->add_option("--tolerance", flags->tolerance, "Samples that either side may be ahead");
  verb->add_option("--max-staleness", flags->max_staleness,
                   "Versions that an actor's policy may be behind")
      ->check(WholeNumber(1, 1000000));
  AddLearnerFlags(*verb, flags->learner);
  verb->callback([flags, &action] { action = [flags] { return Limiter(*flags); }; });
}

}  // namespace sr2l
