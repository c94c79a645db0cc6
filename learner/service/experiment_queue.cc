#include "learner/service/experiment_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/config/validate.h"
#include "common/log/log.h"
#include "common/rpc/backoff.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr size_t kMaxKeyLength = 128;
constexpr size_t kMaxReasonLength = 1000;
// Between attempts to read or write a store that refused.
constexpr absl::Duration kStorePause = absl::Seconds(1);

void LogIfError(const absl::Status& status) {
  if (!status.ok()) SR2L_ERROR("{}", std::string(status.message()));
}

// Between attempts to drop the tables of experiments that have ended, while nothing is queued.
constexpr absl::Duration kDropPause = absl::Seconds(5);

// An attempt that lasted this long had got going again.
constexpr absl::Duration kHealthyAfter = absl::Minutes(1);

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsAborted(status);
}

bool IsDamage(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsOutOfRange(status);
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
  queue->thread_ = std::thread([q = queue.get()] { q->RunLoop(); });
  return queue;
}

ExperimentQueue::~ExperimentQueue() { Shutdown(); }

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
  AddLive(experiment);
  return experiment;
}

absl::StatusOr<v1::ListResponse> ExperimentQueue::List(const v1::ListRequest& request) const {
  SR2L_ASSIGN_OR_RETURN(v1::ListResponse response, store_.List(request));
  for (v1::Experiment& experiment : *response.mutable_experiments()) {
    experiment.set_results_path(ResultsPath(experiment.experiment_id()));
    AddLive(experiment);
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
    } else if (!HasConcluded(request.experiment_id())) {
      const absl::Status cancelled =
          store_.SetState(request.experiment_id(), v1::CANCELLED, reason, absl::Now());
      // An experiment that has already ended stays as it is.
      if (!cancelled.ok() && !absl::IsFailedPrecondition(cancelled)) return cancelled;
    }
    ++state_changes_;
  }
  return Get(request.experiment_id(), ExperimentStore::Detail::kWithoutConfig);
}

absl::StatusOr<v1::Experiment> ExperimentQueue::SetLimiter(const v1::SetLimiterRequest& request) {
  const std::string& id = request.experiment_id();
  absl::MutexLock limiter_lock(&limiter_mu_);
  SR2L_ASSIGN_OR_RETURN(const v1::Experiment experiment,
                        store_.Get(id, ExperimentStore::Detail::kAll));
  if (experiment.config().collection() != v1::FREE_RUNNING) {
    return absl::FailedPreconditionError(absl::StrCat(
        "experiment ", id, " has no limiter: its collection is ",
        v1::CollectionMode_Name(experiment.config().collection()), ", not FREE_RUNNING"));
  }
  v1::ExperimentConfig config = experiment.config();
  config.mutable_limiter()->MergeFrom(request.limiter());
  SR2L_RETURN_IF_ERROR(Validate(config));
  bool running = false;
  {
    absl::MutexLock lock(&mu_);
    if (HasConcluded(id)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "experiment ", id, " has already ended: ", v1::ExperimentState_Name(outcome_->state)));
    }
    running = running_id_ == id;
    // A queued one starts with what the store holds; the lock keeps it from starting now.
    if (!running) SR2L_RETURN_IF_ERROR(store_.SetConfig(id, config));
    ++state_changes_;
  }
  if (running) {
    const absl::Status set = trainer_.SetLimiter(id, config, shutdown_.get_token());
    if (absl::IsCancelled(set)) return absl::UnavailableError("the learner is shutting down");
    SR2L_RETURN_IF_ERROR(set);
    SR2L_RETURN_IF_ERROR(store_.SetConfig(id, config));
  }
  SR2L_INFO("experiment {}: limiter {}", id, config.limiter().ShortDebugString());
  return Get(id, ExperimentStore::Detail::kAll);
}

uint64_t ExperimentQueue::changes() const {
  absl::MutexLock lock(&mu_);
  return state_changes_ + (board_ == nullptr ? 0 : board_->changes());
}

void ExperimentQueue::Shutdown() {
  {
    absl::MutexLock lock(&mu_);
    shutdown_.request_stop();
    stop_.request_stop();
  }
  if (thread_.joinable()) thread_.join();
}

void ExperimentQueue::RunLoop() {
  while (true) {
    bool has_work = true;
    {
      const absl::Duration patience = tables_left_ ? kDropPause : absl::InfiniteDuration();
      absl::MutexLock lock(&mu_);
      has_work = mu_.AwaitWithTimeout(absl::Condition(this, &ExperimentQueue::HasWork), patience);
      if (IsShutDown()) return;
    }
    if (!has_work) {
      DropTables();
      continue;
    }
    const absl::StatusOr<std::optional<v1::Experiment>> next = TakeNext();
    if (!next.ok()) {
      SR2L_ERROR("the queue waits: {}", std::string(next.status().message()));
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(this, &ExperimentQueue::IsShutDown), kStorePause);
    } else if (next->has_value()) {
      RunOne(**next);
    }
  }
}

absl::StatusOr<std::optional<v1::Experiment>> ExperimentQueue::TakeNext() {
  absl::MutexLock lock(&mu_);
  SR2L_ASSIGN_OR_RETURN(const std::optional<v1::Experiment> next, store_.NextToRun());
  work_ = next.has_value();
  if (!work_) return next;
  if (next->state() == v1::QUEUED) {
    SR2L_RETURN_IF_ERROR(store_.SetState(next->experiment_id(), v1::RUNNING, "", absl::Now()));
  }
  running_id_ = next->experiment_id();
  cancel_reason_.reset();
  stop_ = std::stop_source();
  ++state_changes_;
  return next;
}

void ExperimentQueue::RunOne(const v1::Experiment& experiment) {
  const std::string& id = experiment.experiment_id();
  std::stop_token stop;
  {
    absl::MutexLock lock(&mu_);
    if (IsShutDown()) stop_.request_stop();
    stop = stop_.get_token();
  }
  const Trainer::Start start =
      experiment.state() == v1::QUEUED ? Trainer::Start::kNew : Trainer::Start::kResume;
  SR2L_INFO("experiment {} {}", id, start == Trainer::Start::kNew ? "starts" : "goes on");
  const absl::Status status = Train(experiment, start, stop);
  const std::optional<Outcome> outcome = Conclude(id, status);
  if (!outcome.has_value()) return;
  if (IsHalt(status)) return;
  // Whoever goes on with it, as the store does not say that it ended, needs its steps. What is
  // damaged may be repaired: the replay keeps the steps until another experiment starts.
  if (!StoreOutcome(*outcome) || IsDamage(status)) return;
  undropped_.insert(id);
  DropTables();
}

void ExperimentQueue::DropTables() {
  const auto is_over = [this](const std::string& id) {
    if (undropped_.count(id) > 0) return true;
    // Of one that failed the steps may be wanted, see RunOne.
    const auto held = store_.Get(id, ExperimentStore::Detail::kWithoutConfig);
    return held.ok() && (held->state() == v1::SUCCEEDED || held->state() == v1::CANCELLED);
  };
  const absl::Status dropped = trainer_.DropTables(is_over, shutdown_.get_token());
  tables_left_ = !dropped.ok();
  if (dropped.ok()) {
    undropped_.clear();
  } else if (!absl::IsCancelled(dropped)) {
    SR2L_WARNING("tables of ended experiments may be in the replay still: {}",
                 std::string(dropped.message()));
  }
}

absl::Status ExperimentQueue::Train(v1::Experiment experiment, Trainer::Start start,
                                    const std::stop_token& stop) {
  const std::string id = experiment.experiment_id();
  Backoff backoff(/*seed=*/0);
  while (true) {
    const absl::Time begin = absl::Now();
    const absl::Status status = trainer_.Run(experiment, ResultsPath(id), start, stop,
                                             [this](std::shared_ptr<ProgressBoard> board) {
                                               absl::MutexLock lock(&mu_);
                                               ReplaceBoard(std::move(board));
                                             });
    if (!MayPass(status)) return status;
    if (stop.stop_requested()) return absl::CancelledError("stopped");
    SR2L_WARNING("{}: {}; it goes on from its checkpoints", id, std::string(status.message()));
    if (absl::Now() - begin > kHealthyAfter) backoff.Reset();
    {
      absl::MutexLock lock(&mu_);
      if (board_ != nullptr) {
        board_->SetWaiting(0, absl::StrCat("a new attempt, after: ", status.message()));
      }
    }
    if (!Pause(stop, backoff.Next())) return absl::CancelledError("stopped");
    start = Trainer::Start::kResume;
    // SetLimiter may have changed the configuration.
    absl::StatusOr<v1::Experiment> stored = store_.Get(id, ExperimentStore::Detail::kAll);
    if (stored.ok()) experiment = *std::move(stored);
  }
}

bool ExperimentQueue::IsHalt(const absl::Status& status) const {
  return options_.single_run && (IsDamage(status) || absl::IsInternal(status));
}

std::optional<ExperimentQueue::Outcome> ExperimentQueue::Conclude(
    const std::string& experiment_id, const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  Outcome outcome = {.experiment_id = experiment_id, .state = v1::SUCCEEDED, .reason = ""};
  if (absl::IsCancelled(status) && cancel_reason_.has_value()) {
    outcome.state = v1::CANCELLED;
    outcome.reason = *cancel_reason_;
  } else if (absl::IsCancelled(status) && IsShutDown()) {
    board_.reset();
    SR2L_INFO("experiment {} stops here; the next learner goes on with it", experiment_id);
    return std::nullopt;
  } else if (!status.ok()) {
    outcome.state = v1::FAILED;
    outcome.reason = std::string(status.message());
    halted_ = IsHalt(status);
    if (IsDamage(status)) {
      absl::StrAppend(&outcome.reason, "; the other steps are kept for when it is repaired");
    } else if (halted_) {
      absl::StrAppend(&outcome.reason, "; its steps and checkpoints are kept for another attempt");
    }
  }
  if (board_ != nullptr) {
    LogIfError(store_.SetProgress(experiment_id, board_->Snapshot(absl::Now())));
    ReplaceBoard(nullptr);
  }
  outcome_ = outcome;
  running_id_.clear();
  ++state_changes_;
  SR2L_INFO("experiment {} ended: {} {}", experiment_id, v1::ExperimentState_Name(outcome.state),
            outcome.reason);
  return outcome;
}

void ExperimentQueue::ReplaceBoard(std::shared_ptr<ProgressBoard> board) {
  // Keeps changes() from going back.
  if (board_ != nullptr) state_changes_ += board_->changes();
  board_ = std::move(board);
}

bool ExperimentQueue::StoreOutcome(const Outcome& outcome) {
  while (true) {
    const absl::Status stored =
        store_.SetState(outcome.experiment_id, outcome.state, outcome.reason, absl::Now());
    absl::MutexLock lock(&mu_);
    if (stored.ok() || absl::IsFailedPrecondition(stored)) return true;
    SR2L_ERROR("the end of {} is not stored yet: {}", outcome.experiment_id,
               std::string(stored.message()));
    if (mu_.AwaitWithTimeout(absl::Condition(this, &ExperimentQueue::IsShutDown), kStorePause))
      return false;
  }
}

std::string ExperimentQueue::ResultsPath(const std::string& experiment_id) const {
  return options_.single_run ? options_.state_path
                             : absl::StrCat(options_.state_path, "/experiments/", experiment_id);
}

bool ExperimentQueue::HasConcluded(const std::string& experiment_id) const {
  return outcome_.has_value() && outcome_->experiment_id == experiment_id;
}

void ExperimentQueue::AddLive(v1::Experiment& experiment) const {
  std::shared_ptr<ProgressBoard> board;
  {
    absl::MutexLock lock(&mu_);
    if (running_id_ == experiment.experiment_id()) board = board_;
    if (HasConcluded(experiment.experiment_id())) {
      experiment.set_state(outcome_->state);
      experiment.set_reason(outcome_->reason);
    }
  }
  if (board != nullptr) *experiment.mutable_progress() = board->Snapshot(absl::Now());
}

}  // namespace sr2l
