#include "deploy/cli/experiment_watcher.h"

#include "absl/time/clock.h"
#include "common/rpc/backoff.h"

namespace sr2l {
namespace {

// Whether the same question may have a better answer later.
bool IsPassing(const absl::Status& status) {
  return status.ok() || status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kCancelled ||
         status.code() == absl::StatusCode::kUnknown;
}

}  // namespace

ExperimentWatcher::ExperimentWatcher(const ExperimentsClient& client, std::string experiment_id,
                                     WakeUp& wake_up)
    : client_(client), experiment_id_(std::move(experiment_id)), wake_up_(wake_up) {
  news_.received_at = absl::Now();
  news_.moved_at = news_.received_at;
  thread_ = std::thread([this] { Run(); });
}

ExperimentWatcher::~ExperimentWatcher() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  thread_.join();
}

ExperimentNews ExperimentWatcher::Latest() const {
  absl::MutexLock lock(&mu_);
  return news_;
}

void ExperimentWatcher::Run() {
  Backoff backoff(/*seed=*/0);
  while (true) {
    grpc::ClientContext context;
    if (!BeginAttempt(context)) return;
    const absl::Status status =
        client_.Watch(experiment_id_, context, [this, &backoff](const v1::Experiment& experiment) {
          backoff.Reset();
          Take(experiment);
        });
    if (!EndAttempt(status)) return;
    absl::MutexLock lock(&mu_);
    if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), backoff.Next())) return;
  }
}

bool ExperimentWatcher::BeginAttempt(grpc::ClientContext& context) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return false;
  context_ = &context;
  return true;
}

bool ExperimentWatcher::EndAttempt(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  context_ = nullptr;
  news_.connection = status;
  news_.over = status.ok() || !IsPassing(status);
  wake_up_.Set();
  return !news_.over && !stopping_;
}

void ExperimentWatcher::Take(const v1::Experiment& experiment) {
  absl::MutexLock lock(&mu_);
  news_.received_at = absl::Now();
  const bool moved = !news_.experiment.has_value() ||
                     news_.experiment->state() != experiment.state() ||
                     news_.experiment->progress().env_steps() != experiment.progress().env_steps();
  if (moved) news_.moved_at = news_.received_at;
  news_.experiment = experiment;
  news_.connection = absl::OkStatus();
  wake_up_.Set();
}

}  // namespace sr2l
