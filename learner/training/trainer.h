#ifndef SR2L_LEARNER_TRAINING_TRAINER_H_
#define SR2L_LEARNER_TRAINING_TRAINER_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "learner/fleet/fleet.h"
#include "learner/training/learner_metrics.h"
#include "learner/training/progress_board.h"
#include "replay/client/replay_client.h"
#include "sr2l/v1/checkpoint.pb.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

struct TrainerOptions {
  std::string device;  // "cpu", "cuda", "cuda:1"
  int threads = 1;     // on the CPU: cohorts at most
  absl::Duration checkpoint_interval = absl::Seconds(10);  // of each cohort
};

// Trains one experiment from its first round to its end: tables in the replay, streams in
// the fleet, cohorts in threads, results in a folder.
class Trainer {
 public:
  // Whether this learner ran the experiment of that id to an end for good.
  using HasEnded = std::function<bool(const std::string& experiment_id)>;

  // `replay`, `fleet` and `metrics` are borrowed.
  Trainer(TrainerOptions options, ReplayClient& replay, Fleet& fleet, LearnerMetrics& metrics,
          HasEnded has_ended)
      : options_(std::move(options)),
        replay_(replay),
        fleet_(fleet),
        metrics_(metrics),
        has_ended_(std::move(has_ended)) {}

  // Whether an experiment begins, or goes on from its checkpoints after its learner ended.
  enum class Start { kNew, kResume };

  // Blocks until the experiment has ended. OK: every member finished every round.
  // Cancelled: `stop` was requested; a later Run may resume. Unavailable, ResourceExhausted,
  // Aborted: trouble that may pass (a full disk, steps that the replay lost); a later Run with
  // kResume goes on from the newest checkpoints that it can. DataLoss, OutOfRange: something that
  // going on needs is damaged or gone. Internal: the training itself threw. Any other status: why
  // it failed, naming failed members.
  // `board_ready` is called with the board as soon as there is one, and not after Run returned.
  absl::Status Run(const v1::Experiment& experiment, const std::string& results_path, Start start,
                   std::stop_token stop,
                   const std::function<void(std::shared_ptr<ProgressBoard>)>& board_ready);

  // Gives the tables of a running FREE_RUNNING experiment the limiter of `config`. Unavailable:
  // the replay cannot be reached, or has no tables yet. Cancelled as soon as `stop` is requested.
  absl::Status SetLimiter(const std::string& experiment_id, const v1::ExperimentConfig& config,
                          const std::stop_token& stop);

  // Makes the replay forget the experiments that it holds and that are over: it was away at their
  // end, or the learner was. Unavailable: it cannot be reached; the next Run does it as well.
  // Cancelled as soon as `stop` is requested.
  absl::Status DropTables(const HasEnded& is_over, const std::stop_token& stop);

 private:
  // Waits until the replay has, as durably as it ever has, all that the checkpoint learned from.
  absl::Status AwaitSteps(const std::string& experiment_id, const v1::ExperimentConfig& config,
                          const v1::Checkpoint& checkpoint);
  absl::Status RunCohorts(const v1::Experiment& experiment, const std::string& results_path,
                          Start start, std::stop_token stop,
                          const std::function<void(std::shared_ptr<ProgressBoard>)>& board_ready);

  const TrainerOptions options_;
  ReplayClient& replay_;
  Fleet& fleet_;
  LearnerMetrics& metrics_;
  const HasEnded has_ended_;
};

// Checks a --device value; InvalidArgument names what is allowed, also when CUDA is
// asked for and this machine or this LibTorch has none.
absl::Status CheckDevice(const std::string& device);

// One thread in LibTorch and in OpenBLAS: the learner's own threads are its cohorts.
void UseOneThreadPerOperation();

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_TRAINER_H_
