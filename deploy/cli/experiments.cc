// sr2l list, show and cancel: the experiments of a learner.

#include <iostream>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/config/load.h"
#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/learner_flags.h"
#include "deploy/cli/member_table.h"
#include "deploy/cli/progress_line.h"
#include "deploy/cli/text.h"
#include "deploy/cli/text_table.h"
#include "learner/service/experiment_store.h"

namespace sr2l {
namespace {

struct ExperimentFlags {
  std::string id;
  std::string reason;  // of cancel
  LearnerFlags learner;
};

std::string StateName(v1::ExperimentState state) {
  return absl::AsciiStrToLower(v1::ExperimentState_Name(state));
}

std::string FormatTime(bool is_set, const google::protobuf::Timestamp& time) {
  if (!is_set) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%SZ", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string FormatShare(const v1::Progress& progress) {
  if (progress.env_steps_total() == 0) return "-";
  return absl::StrFormat("%.1f%%", 100.0 * static_cast<double>(progress.env_steps()) /
                                       static_cast<double>(progress.env_steps_total()));
}

absl::Status List(const LearnerFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const auto client, Connect(flags));
  SR2L_ASSIGN_OR_RETURN(const std::vector<v1::Experiment> experiments, client->List());
  TextTable table({"id", "name", "state", "done", "submitted", "reason"});
  for (const v1::Experiment& experiment : experiments) {
    table.Add({OneLine(experiment.experiment_id()), OneLine(experiment.name()),
               StateName(experiment.state()), FormatShare(experiment.progress()),
               FormatTime(experiment.has_submitted_at(), experiment.submitted_at()),
               OneLine(experiment.reason())});
  }
  std::cout << table.Format() << std::flush;
  return absl::OkStatus();
}

std::string WaitingLine(const v1::Experiment& experiment) {
  const std::string waiting = FormatWaiting(experiment);
  return waiting.empty() ? "" : absl::StrCat("\n           ", waiting);
}

void PrintExperiment(const v1::Experiment& experiment) {
  std::cout << "id:        " << OneLine(experiment.experiment_id())
            << "\nname:      " << OneLine(experiment.name())
            << "\nstate:     " << StateName(experiment.state());
  if (!experiment.reason().empty()) std::cout << "\nreason:    " << OneLine(experiment.reason());
  std::cout << "\nsubmitted: "
            << FormatTime(experiment.has_submitted_at(), experiment.submitted_at())
            << "\nstarted:   " << FormatTime(experiment.has_started_at(), experiment.started_at())
            << "\nended:     " << FormatTime(experiment.has_ended_at(), experiment.ended_at())
            << "\nprogress:  " << absl::StripLeadingAsciiWhitespace(FormatProgress(experiment))
            << WaitingLine(experiment)
            << "\nresults:   " << OneLine(experiment.results_path()) << " (on the learner)\n"
            << FormatMembers(experiment.progress());
}

absl::Status Show(const ExperimentFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const auto client, Connect(flags.learner));
  SR2L_ASSIGN_OR_RETURN(const v1::Experiment experiment, client->Get(flags.id));
  PrintExperiment(experiment);
  std::cout << "\n" << FormatExperiment(experiment.config()) << std::flush;
  return absl::OkStatus();
}

absl::Status Cancel(const ExperimentFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const auto client, Connect(flags.learner));
  SR2L_ASSIGN_OR_RETURN(const v1::Experiment experiment,
                        client->Cancel(flags.id, flags.reason));
  std::cout << OneLine(experiment.experiment_id()) << " is "
            << (HasEnded(experiment.state()) ? StateName(experiment.state())
                                             : "being cancelled")
            << std::endl;
  return absl::OkStatus();
}

}  // namespace

void AddList(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("list", "The experiments of a learner, newest first");
  const auto flags = std::make_shared<LearnerFlags>();
  AddLearnerFlags(*verb, *flags);
  verb->callback([flags, &action] { action = [flags] { return List(*flags); }; });
}

void AddShow(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("show", "An experiment: state, members, configuration");
  const auto flags = std::make_shared<ExperimentFlags>();
  verb->add_option("ID", flags->id, "The experiment's id")->required();
  AddLearnerFlags(*verb, flags->learner);
  verb->callback([flags, &action] { action = [flags] { return Show(*flags); }; });
}

void AddCancel(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("cancel", "End an experiment; its results so far stay");
  const auto flags = std::make_shared<ExperimentFlags>();
  verb->add_option("ID", flags->id, "The experiment's id")->required();
  verb->add_option("--reason", flags->reason, "Kept with the experiment")->type_name("TEXT");
  AddLearnerFlags(*verb, flags->learner);
  verb->callback([flags, &action] { action = [flags] { return Cancel(*flags); }; });
}

}  // namespace sr2l
