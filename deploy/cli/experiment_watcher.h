#ifndef SR2L_DEPLOY_CLI_EXPERIMENT_WATCHER_H_
#define SR2L_DEPLOY_CLI_EXPERIMENT_WATCHER_H_

#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
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
// delays, whenever the connection ends. Thread-safe.
class ExperimentWatcher {
 public:
  // Sets `wake_up` at every piece of news. Both are borrowed and outlive the watcher.
  ExperimentWatcher(const ExperimentsClient& client, std::string experiment_id,
                    WakeUp& wake_up);

  // Ends the watch and joins the thread.
  ~ExperimentWatcher();

  ExperimentNews Latest() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  // False once the watcher is to stop.
  bool BeginAttempt(grpc::ClientContext& context) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes the end of a watch; returns whether to watch again.
  bool EndAttempt(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  void Take(const v1::Experiment& experiment) ABSL_LOCKS_EXCLUDED(mu_);

  const ExperimentsClient& client_;
  const std::string experiment_id_;
  WakeUp& wake_up_;

  mutable absl::Mutex mu_;
  ExperimentNews news_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;  // of the running watch

  std::thread thread_;  // last: runs on all of the above
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_EXPERIMENT_WATCHER_H_
