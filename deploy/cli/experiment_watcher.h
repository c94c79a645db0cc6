#ifndef SR2L_DEPLOY_CLI_EXPERIMENT_WATCHER_H_
#define SR2L_DEPLOY_CLI_EXPERIMENT_WATCHER_H_

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/backoff.h"
#include "deploy/cli/experiments_client.h"
#include "deploy/cli/wake_up.h"

namespace sr2l {

// What is known of a watched experiment.
struct ExperimentNews {
  std::optional<v1::Experiment> experiment;  // the newest; none before the first answer
  absl::Time received_at;                    // when it came, or when watching began
  absl::Time moved_at;                       // when it last differed in steps or state
  absl::Status connection;                   // why there is none now, if so
  bool over = false;  // nothing more will come: it ended, or asking again is useless
};

// Watches one experiment from a thread of its own, connecting again, with growing
// delays, whenever the connection ends. Its destruction ends the watch at once. Thread-safe.
class ExperimentWatcher {
 public:
  // The id of the experiment to watch: called on the watcher's thread, again soon after each
  // error that may pass. Ends, with an error, when `stop` is requested.
  using FindId = std::function<absl::StatusOr<std::string>(const std::stop_token& stop)>;

  // Sets `wake_up` at every piece of news. It and `client` are borrowed and outlive the watcher.
  ExperimentWatcher(const ExperimentsClient& client, FindId find_id, WakeUp& wake_up);

  ExperimentNews Latest() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run(const std::stop_token& stop);
  // Finds the experiment, if it is not found yet, and watches until the connection ends.
  absl::Status Watch(const std::stop_token& stop);
  // Takes the end of a watch; returns whether to watch again.
  bool EndAttempt(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  void Take(const v1::Experiment& experiment) ABSL_LOCKS_EXCLUDED(mu_);

  const ExperimentsClient& client_;
  const FindId find_id_;
  WakeUp& wake_up_;
  std::string experiment_id_;    // the thread's own; empty until it is found
  Backoff backoff_{/*seed=*/0};  // the thread's own

  mutable absl::Mutex mu_;
  ExperimentNews news_ ABSL_GUARDED_BY(mu_);

  std::jthread thread_;  // last: runs on all of the above
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_EXPERIMENT_WATCHER_H_
