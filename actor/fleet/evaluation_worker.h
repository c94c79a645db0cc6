#ifndef SR2L_ACTOR_FLEET_EVALUATION_WORKER_H_
#define SR2L_ACTOR_FLEET_EVALUATION_WORKER_H_

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "actor/environment/compiled_task.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {

// Evaluates the policies that the learner asks for, one after the other, on a thread of its
// own, so that streams go on meanwhile. The returns of an evaluation are a function of its task,
// policy, seed and number of episodes alone. Thread-safe.
class EvaluationWorker {
 public:
  // Takes a finished evaluation: its returns, or why there are none. Called on the worker's
  // thread.
  using Report = std::function<void(const v1::ReportEvaluationRequest&)>;

  explicit EvaluationWorker(Report report);
  // Calls Close.
  ~EvaluationWorker();

  // Does nothing after Close. `task` is null where the experiment cannot be driven: that is
  // reported.
  void Start(std::shared_ptr<const CompiledTask> task, v1::EvaluationGrant grant)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Drops the experiment's evaluations without a report; one that runs stops within a step.
  void End(const std::string& experiment_id) ABSL_LOCKS_EXCLUDED(mu_);

  // Drops all of them. After it returned no report comes any more. Must not be called from one.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Job {
    std::shared_ptr<const CompiledTask> task;
    v1::EvaluationGrant grant;
    std::atomic<bool> dropped = false;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return closed_ || !jobs_.empty(); }
  // Cancelled: it was dropped.
  static absl::Status RunEpisodes(const Job& job, v1::ReportEvaluationRequest& report);

  const Report report_;
  std::once_flag joined_;
  absl::Mutex mu_;
  std::deque<std::shared_ptr<Job>> jobs_ ABSL_GUARDED_BY(mu_);  // still to run
  std::shared_ptr<Job> running_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // last: uses everything above
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_FLEET_EVALUATION_WORKER_H_
