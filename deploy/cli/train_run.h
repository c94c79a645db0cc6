#ifndef SR2L_DEPLOY_CLI_TRAIN_RUN_H_
#define SR2L_DEPLOY_CLI_TRAIN_RUN_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "deploy/cli/experiment_watcher.h"
#include "deploy/cli/experiments_client.h"
#include "deploy/cli/local_processes.h"
#include "deploy/cli/progress_printer.h"
#include "deploy/cli/run_folder.h"
#include "deploy/cli/supervisor.h"

namespace sr2l {

// One `sr2l train`, once its configuration is known to be right and its folder made:
// starts the processes, submits the experiment or goes on with the folder's, shows its
// progress until it has ended, and stops the processes again, whatever happens. Not
// thread-safe.
class TrainRun {
 public:
  // All are borrowed but `options`. `config` as the user wrote it, with model files.
  // `restarts`: of a process in a row, before it is given up.
  TrainRun(const v1::ExperimentConfig& config, const RunFolder& folder,
           LocalProcesses::Options options, int restarts, Interrupts& interrupts,
           ProgressPrinter& printer);

  // The first error of the run: no further one covers it. Cancelled after an interrupt, and when
  // the experiment was cancelled.
  absl::Status Run();

  // Whether the run that just ended was interrupted before its experiment had ended.
  bool can_go_on() const { return interrupted_; }

  // The experiment as it was last seen; unset when it was not submitted.
  const std::optional<v1::Experiment>& experiment() const { return experiment_; }

 private:
  absl::Status TrainToEnd();
  // The id of the folder's experiment, which is submitted when there is none yet.
  absl::StatusOr<std::string> FindOrSubmit(const ExperimentsClient& client,
                                           const std::stop_token& stop) const;
  absl::Status Follow(const ExperimentWatcher& watcher);
  absl::Status Outcome() const;

  const v1::ExperimentConfig& config_;
  const bool show_metrics_;
  ProgressPrinter& printer_;
  WakeUp wake_up_;
  Supervisor supervisor_;
  LocalProcesses processes_;
  std::optional<v1::Experiment> experiment_;
  uint64_t furthest_ = 0;  // most steps of the environment that it was ever seen with
  bool interrupted_ = false;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_TRAIN_RUN_H_
