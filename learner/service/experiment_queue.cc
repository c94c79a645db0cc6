#include "learner/service/experiment_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/config/validate.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr size_t kMaxKeyLength = 128;
constexpr size_t kMaxReasonLength = 1000;

void LogIfError(const absl::Status& status) {
  if (!status.ok()) SR2L_ERROR("{}", std::string(status.message()));
}

// Models can be large, and whoever asks for an experiment has them already.
void DropFileContents(v1::ExperimentConfig& config) {
  for (v1::ModelFile& file : *config.mutable_task()->mutable_files()) file.clear_content();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExperimentQueue>> ExperimentQueue::Start(Options options,
                                                                       ExperimentStore& store,
                                                                       Trainer& trainer) {
  std::unique_ptr<ExperimentQueue> queue(
      new ExperimentQueue(std::move(options), store, trainer));
  SR2L_RETURN_IF_ERROR(queue->FailInterrupted());
  queue->thread_ = std::thread([q = queue.get()] { q->RunLoop(); });
  return queue;
}

ExperimentQueue::~ExperimentQueue() { Shutdown(); }

absl::Status ExperimentQueue::FailInterrupted() {
  v1::ListRequest request;
  request.add_states(v1::RUNNING);
  request.set_page_size(1000);
  SR2L_ASSIGN_OR_RETURN(const v1::ListResponse running, store_.List(request));
  for (const v1::Experiment& experiment : running.experiments()) {
    SR2L_RETURN_IF_ERROR(store_.SetState(experiment.experiment_id(), v1::FAILED,
                                         "the learner stopped while it ran", absl::Now()));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::SubmitResponse> ExperimentQueue::Submit(const v1::SubmitRequest& request) {
  if (request.idempotency_key().size() > kMaxKeyLength) {
    return absl::InvalidArgumentError(absl::StrCat("idempotency_key must have at most ",
                                                   kMaxKeyLength, " characters, got ",
                                                   request.idempotency_key().size()));
  }
  v1::SubmitResponse response;
  SR2L_ASSIGN_OR_RETURN(*response.mutable_config(), ResolveExperiment(request.config()));
  if (!request.dry_run()) {
    SR2L_ASSIGN_OR_RETURN(
        const v1::Experiment experiment,
        store_.Add(response.config(), request.idempotency_key(), absl::Now()));
    response.set_experiment_id(experiment.experiment_id());
    absl::MutexLock lock(&mu_);
    work_ = true;
    ++state_changes_;
  }
  DropFileContents(*response.mutable_config());
  return response;
}

absl::StatusOr<v1::Experiment> ExperimentQueue::Get(const std::string& experiment_id,
                                                    ExperimentStore::Detail detail) const {
  SR2L_ASSIGN_OR_RETURN(v1::Experiment experiment, store_.Get(experiment_id, detail));
  if (experiment.has_config()) DropFileContents(*experiment.mutable_config());
  experiment.set_results_path(ResultsPath(experiment_id));
  AddLiveProgress(experiment);
  return experiment;
}

absl::StatusOr<v1::ListResponse> ExperimentQueue::List(const v1::ListRequest& request) const {
  SR2L_ASSIGN_OR_RETURN(v1::ListResponse response, store_.List(request));
  for (v1::Experiment& experiment : *response.mutable_experiments()) {
    experiment.set_results_path(ResultsPath(experiment.experiment_id()));
    AddLiveProgress(experiment);
    experiment.mutable_progress()->clear_members();
  }
  return response;
}

absl::StatusOr<v1::Experiment> ExperimentQueue::Cancel(const v1::CancelRequest& request) {
  if (request.reason().size() > kMaxReasonLength) {
    return absl::InvalidArgumentError(absl::StrCat("reason must have at most ",
                                                   kMaxReasonLength, " characters, got ",
                                                   request.reason().size()));
  }
  const std::string reason =
      request.reason().empty() ? "cancelled by an operator" : request.reason();
  SR2L_RETURN_IF_ERROR(
      store_.Get(request.experiment_id(), ExperimentStore::Detail::kWithoutConfig).status());
  {
    // The lock keeps the queue from starting the experiment in between.
    absl::MutexLock lock(&mu_);
    if (running_id_ == request.experiment_id()) {
      if (!cancel_reason_.has_value()) cancel_reason_ = reason;
      stop_.request_stop();
    } else {
      // Fails when the experiment has already ended, which then stays as it is.
      store_.SetState(request.experiment_id(), v1::CANCELLED, reason, absl::Now()).IgnoreError();
    }
    ++state_changes_;
  }
  return Get(request.experiment_id(), ExperimentStore::Detail::kWithoutConfig);
}

uint64_t ExperimentQueue::changes() const {
  absl::MutexLock lock(&mu_);
  return state_changes_ + (board_ == nullptr ? 0 : board_->changes());
}

void ExperimentQueue::Shutdown() {
  {
    absl::MutexLock lock(&mu_);
    shutdown_ = true;
    stop_.request_stop();
  }
  if (thread_.joinable()) thread_.join();
}

void ExperimentQueue::RunLoop() {
  while (true) {
    v1::Experiment next;
    {
      absl::MutexLock lock(&mu_, absl::Condition(this, &ExperimentQueue::HasWork));
      if (shutdown_) return;
      const absl::StatusOr<std::optional<v1::Experiment>> queued = store_.NextQueued();
      LogIfError(queued.status());
      work_ = queued.ok() && queued->has_value();
      if (!work_) continue;
      next = **queued;
      running_id_ = next.experiment_id();
      cancel_reason_.reset();
      stop_ = std::stop_source();
      LogIfError(store_.SetState(running_id_, v1::RUNNING, "", absl::Now()));
      ++state_changes_;
    }
    RunOne(next);
  }
}

void ExperimentQueue::RunOne(const v1::Experiment& experiment) {
  std::stop_token stop;
  {
    absl::MutexLock lock(&mu_);
    stop = stop_.get_token();
  }
  SR2L_INFO("experiment {} starts", experiment.experiment_id());
  const absl::Status status = trainer_.Run(
      experiment, ResultsPath(experiment.experiment_id()), stop,
      [this](std::shared_ptr<ProgressBoard> board) {
        absl::MutexLock lock(&mu_);
        board_ = std::move(board);
      });
  Conclude(experiment, status);
}

void ExperimentQueue::Conclude(const v1::Experiment& experiment, const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  v1::ExperimentState state = v1::SUCCEEDED;
  std::string reason;
  if (absl::IsCancelled(status) && cancel_reason_.has_value()) {
    state = v1::CANCELLED;
    reason = *cancel_reason_;
  } else if (!status.ok()) {
    state = v1::FAILED;
    reason = shutdown_ ? "the learner was shut down while it ran" : std::string(status.message());
  }
  if (board_ != nullptr) {
    LogIfError(store_.SetProgress(experiment.experiment_id(), board_->Snapshot(absl::Now())));
    // Keeps changes() from going back when the board goes.
    state_changes_ += board_->changes();
    board_.reset();
  }
  LogIfError(store_.SetState(experiment.experiment_id(), state, reason, absl::Now()));
  running_id_.clear();
  ++state_changes_;
  SR2L_INFO("experiment {} ended: {} {}", experiment.experiment_id(),
            v1::ExperimentState_Name(state), reason);
}

std::string ExperimentQueue::ResultsPath(const std::string& experiment_id) const {
  return options_.single_run ? options_.state_path
                             : absl::StrCat(options_.state_path, "/experiments/", experiment_id);
}

void ExperimentQueue::AddLiveProgress(v1::Experiment& experiment) const {
  std::shared_ptr<ProgressBoard> board;
  {
    absl::MutexLock lock(&mu_);
    if (running_id_ == experiment.experiment_id()) board = board_;
  }
  if (board != nullptr) *experiment.mutable_progress() = board->Snapshot(absl::Now());
}

}  // namespace sr2l
