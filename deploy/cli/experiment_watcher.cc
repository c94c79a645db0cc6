#include "deploy/cli/experiment_watcher.h"

#include "absl/time/clock.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// Whoever looks for the experiment waits for a learner that is just being started.
constexpr absl::Duration kFindPause = absl::Milliseconds(100);

// Whether the same question may have a better answer later.
bool IsPassing(const absl::Status& status) {
  return status.ok() || status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kCancelled ||
         status.code() == absl::StatusCode::kUnknown;
}

}  // namespace

ExperimentWatcher::ExperimentWatcher(const ExperimentsClient& client, FindId find_id,
                                     WakeUp& wake_up)
    : client_(client), find_id_(std::move(find_id)), wake_up_(wake_up) {
  news_.received_at = absl::Now();
  news_.moved_at = news_.received_at;
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

ExperimentNews ExperimentWatcher::Latest() const {
  absl::MutexLock lock(&mu_);
  return news_;
}

void ExperimentWatcher::Run(const std::stop_token& stop) {
  absl::Duration pause;
  do {
    if (!EndAttempt(Watch(stop))) return;
    pause = experiment_id_.empty() ? kFindPause : backoff_.Next();
  } while (Pause(stop, pause));
}

absl::Status ExperimentWatcher::Watch(const std::stop_token& stop) {
  if (experiment_id_.empty()) {
    SR2L_ASSIGN_OR_RETURN(experiment_id_, find_id_(stop));
  }
  return client_.Watch(
      experiment_id_,
      [this](const v1::Experiment& experiment) {
        backoff_.Reset();
        Take(experiment);
      },
      stop);
}

bool ExperimentWatcher::EndAttempt(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  news_.connection = status;
  news_.over = status.ok() || !IsPassing(status);
  wake_up_.Set();
  return !news_.over;
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
