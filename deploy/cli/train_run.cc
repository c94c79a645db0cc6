#include "deploy/cli/train_run.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "deploy/cli/progress_view.h"
#include "learner/service/experiment_store.h"

namespace sr2l {
namespace {

constexpr absl::Duration kRefresh = absl::Milliseconds(500);
constexpr char kSubmitKey[] = "train";  // a run has one experiment
// A process that fails again and again, but late enough to break each row, and keeps the run from
// getting further, may fail as often as in this many rows.
constexpr int kStuckRows = 10;
// Long enough for a learner to be started a few times on a slow machine.
constexpr absl::Duration kSubmitPatience = absl::Minutes(5);

}  // namespace

TrainRun::TrainRun(const v1::ExperimentConfig& config, const RunFolder& folder,
                   LocalProcesses::Options options, int restarts, Interrupts& interrupts,
                   ProgressPrinter& printer)
    : config_(config),
      show_metrics_(options.metrics),
      printer_(printer),
      supervisor_(interrupts, wake_up_,
                  {.max_failures = restarts + 1,
                   .max_failures_stuck = kStuckRows * (restarts + 1),
                   .notice = [this](const std::string& line) { printer_.Print(line); }}),
      processes_(folder, std::move(options), supervisor_) {}

absl::Status TrainRun::Run() {
  absl::Status status = TrainToEnd();
  const bool ended = experiment_.has_value() && HasEnded(experiment_->state());
  interrupted_ = absl::IsCancelled(status) && !ended;
  printer_.Finish();
  if (supervisor_.interrupts() > 0) {
    printer_.Print("interrupted: writing a checkpoint (once more: kill everything)");
  }
  if (supervisor_.interrupts() > 1) supervisor_.KillAll();
  processes_.Stop();
  return status;
}

absl::Status TrainRun::TrainToEnd() {
  SR2L_RETURN_IF_ERROR(processes_.Start());
  if (show_metrics_) {
    for (const auto& [process, address] : processes_.MetricsAddresses()) {
      printer_.Print(absl::StrCat("metrics of ", process, ": http://", address, "/metrics"));
    }
  }
  // Gone before the learner is stopped: a server waits for its idle connections.
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ExperimentsClient> client,
                        ExperimentsClient::Create(processes_.learner_address(), {}));
  const ExperimentWatcher watcher(
      *client, [this, &client](const std::stop_token& stop) { return FindOrSubmit(*client, stop); },
      wake_up_);
  SR2L_RETURN_IF_ERROR(Follow(watcher));
  return Outcome();
}

absl::StatusOr<std::string> TrainRun::FindOrSubmit(const ExperimentsClient& client,
                                                   const std::stop_token& stop) const {
  SR2L_ASSIGN_OR_RETURN(const std::vector<v1::Experiment> experiments, client.List(stop));
  if (!experiments.empty()) return experiments.front().experiment_id();
  v1::SubmitRequest request;
  *request.mutable_config() = config_;
  // An attempt whose answer was lost may have been stored.
  request.set_idempotency_key(kSubmitKey);
  SR2L_ASSIGN_OR_RETURN(const v1::SubmitResponse response, client.Submit(request, stop));
  return response.experiment_id();
}

absl::Status TrainRun::Follow(const ExperimentWatcher& watcher) {
  while (true) {
    const ExperimentNews news = watcher.Latest();
    if (news.experiment.has_value()) experiment_ = news.experiment;
    if (experiment_.has_value() && experiment_->progress().env_steps() > furthest_) {
      furthest_ = experiment_->progress().env_steps();
      supervisor_.NoteProgress();
    }
    ShowNews(news, printer_);
    if (experiment_.has_value() && HasEnded(experiment_->state())) return absl::OkStatus();
    const bool never_answered = !experiment_.has_value() && !news.connection.ok() &&
                                absl::Now() - news.received_at > kSubmitPatience;
    if (news.over || never_answered) return news.connection;
    if (supervisor_.interrupts() > 0) return absl::CancelledError("interrupted");
    SR2L_RETURN_IF_ERROR(supervisor_.Turn(absl::Now() + kRefresh));
  }
}

absl::Status TrainRun::Outcome() const {
  switch (experiment_->state()) {
    case v1::SUCCEEDED:
      return absl::OkStatus();
    case v1::CANCELLED:
      return absl::CancelledError(experiment_->reason());
    default:
      return absl::AbortedError(absl::StrCat("the experiment failed: ", experiment_->reason()));
  }
}

}  // namespace sr2l
