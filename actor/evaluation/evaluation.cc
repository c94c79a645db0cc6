#include "actor/evaluation/evaluation.h"

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// The episodes of all cases, handed out in order to any number of threads. Thread-safe.
class EpisodeQueue {
 public:
  EpisodeQueue(std::shared_ptr<const CompiledTask> task, const std::vector<EvaluationCase>& cases,
               int episodes, const std::function<void(size_t)>& on_progress)
      : task_(std::move(task)),
        cases_(cases),
        episodes_(static_cast<size_t>(episodes)),
        on_progress_(on_progress),
        results_(cases.size() * episodes_, EpisodeResult()) {}

  size_t size() const { return cases_.size() * episodes_; }

  // Runs episodes until none is left or one has failed.
  void Work() ABSL_LOCKS_EXCLUDED(mu_) {
    auto environment = Environment::Create(task_);
    for (size_t index = Take(); index < size(); index = Take()) {
      if (environment.ok()) {
        Put(index, RunOne(**environment, index));
      } else {
        Put(index, environment.status());
      }
    }
  }

  // After the work is done.
  absl::StatusOr<std::vector<EvaluationSummary>> Summaries() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    std::vector<EvaluationSummary> summaries;
    for (size_t first = 0; first < results_.size(); first += episodes_) {
      std::vector<EpisodeResult> episodes;
      for (size_t i = first; i < first + episodes_; ++i) {
        SR2L_ASSIGN_OR_RETURN(EpisodeResult episode, std::move(results_[i]));
        episodes.push_back(std::move(episode));
      }
      summaries.push_back(Summarize(episodes));
    }
    return summaries;
  }

 private:
  absl::StatusOr<EpisodeResult> RunOne(Environment& environment, size_t index) const {
    const EvaluationCase& its_case = cases_[index / episodes_];
    EpisodeRunner runner(environment, *its_case.policy, its_case.options);
    return runner.Run(static_cast<uint32_t>(index % episodes_));
  }

  size_t Take() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return failed_ ? size() : next_++;
  }

  void Put(size_t index, absl::StatusOr<EpisodeResult> result) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    failed_ |= !result.ok();
    results_[index] = std::move(result);
    on_progress_(++finished_);
  }

  const std::shared_ptr<const CompiledTask> task_;
  const std::vector<EvaluationCase>& cases_;
  const size_t episodes_;  // of each case
  const std::function<void(size_t)>& on_progress_;

  absl::Mutex mu_;
  // By case, then episode. All before a failed one have been run.
  std::vector<absl::StatusOr<EpisodeResult>> results_ ABSL_GUARDED_BY(mu_);
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;
  size_t finished_ ABSL_GUARDED_BY(mu_) = 0;
  bool failed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

absl::Status CheckFits(const Policy& policy, const CompiledTask& task) {
  const int observations = task.observer().dim();
  const int actions = task.action_map().dim();
  if (policy.observation_dim() == observations && policy.action_dim() == actions) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the policy must have ", observations, " observations and ", actions,
                   " actions, as the task has; it has ", policy.observation_dim(), " and ",
                   policy.action_dim()));
}

absl::StatusOr<std::vector<EvaluationSummary>> Evaluate(
    std::shared_ptr<const CompiledTask> task, const std::vector<EvaluationCase>& cases,
    const EvaluationSize& size, const std::function<void(size_t finished)>& on_progress) {
  EpisodeQueue queue(std::move(task), cases, size.episodes, on_progress);
  std::vector<std::jthread> others;
  const size_t threads = std::min(static_cast<size_t>(size.threads), queue.size());
  try {
    while (others.size() + 1 < threads) others.emplace_back([&queue] { queue.Work(); });
  } catch (const std::system_error&) {
    // The machine gives no more threads: those that started do the work.
  }
  queue.Work();
  others.clear();
  return queue.Summaries();
}

}  // namespace sr2l
