// sr2l watch: shows an experiment's progress until it ends.

#include <iostream>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/experiment_watcher.h"
#include "deploy/cli/learner_flags.h"
#include "deploy/cli/member_table.h"
#include "deploy/cli/progress_printer.h"
#include "deploy/cli/progress_view.h"
#include "deploy/cli/supervisor.h"
#include "deploy/cli/text.h"
#include "learner/service/experiment_store.h"

namespace sr2l {
namespace {

constexpr absl::Duration kRefresh = absl::Seconds(1);
constexpr absl::Duration kPatience = absl::Minutes(1);  // with a learner out of reach

struct WatchFlags {
  std::string id;
  LearnerFlags learner;
};

// The experiment as it ended.
absl::StatusOr<v1::Experiment> Follow(const ExperimentWatcher& watcher, Supervisor& events,
                                      ProgressPrinter& printer) {
  while (true) {
    const ExperimentNews news = watcher.Latest();
    ShowNews(news, printer);
    if (news.experiment.has_value() && HasEnded(news.experiment->state())) {
      return *news.experiment;
    }
    const bool out_of_reach = !news.connection.ok() &&
                              absl::Now() - news.received_at > kPatience;
    if (news.over || out_of_reach) return news.connection;
    if (events.interrupts() > 0) {
      return absl::CancelledError("no longer watching; the experiment goes on");
    }
    SR2L_RETURN_IF_ERROR(events.Turn(absl::Now() + kRefresh));
  }
}

absl::Status Watch(const WatchFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<Interrupts> interrupts, Interrupts::Create());
  SR2L_ASSIGN_OR_RETURN(const auto client, Connect(flags.learner));
  WakeUp wake_up;
  Supervisor events(*interrupts, wake_up, {});
  ProgressPrinter printer(std::cout, ProgressPrinter::StyleOfStandardOutput());
  const ExperimentWatcher watcher(
      *client, [&flags](const std::stop_token&) { return flags.id; }, wake_up);
  const absl::StatusOr<v1::Experiment> ended = Follow(watcher, events, printer);
  printer.Finish();
  if (!ended.ok()) return ended.status();
  std::cout << FormatMembers(ended->progress());
  const std::string state = absl::AsciiStrToLower(v1::ExperimentState_Name(ended->state()));
  std::cout << flags.id << " " << state << std::endl;
  if (ended->state() == v1::SUCCEEDED) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat("experiment ", flags.id, " ", state, ": ", OneLine(ended->reason())));
}

}  // namespace

void AddWatch(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("watch", "Show an experiment's progress until it ends");
  const auto flags = std::make_shared<WatchFlags>();
  verb->add_option("ID", flags->id, "The experiment's id")->required();
  AddLearnerFlags(*verb, flags->learner);
  verb->callback([flags, &action] { action = [flags] { return Watch(*flags); }; });
}

}  // namespace sr2l
