#ifndef SR2L_LEARNER_SERVICE_EXPERIMENT_QUEUE_H_
#define SR2L_LEARNER_SERVICE_EXPERIMENT_QUEUE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "learner/service/experiment_store.h"
#include "learner/training/progress_board.h"
#include "learner/training/trainer.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// Runs submitted experiments one after the other, in the order of submission, and answers
// for all of them. Thread-safe; nothing but Shutdown and SetLimiter blocks.
class ExperimentQueue {
 public:
  struct Options {
    std::string state_path;   // the learner's folder
    bool single_run = false;  // results lie in state_path itself, not in experiments/<id>
  };

  // An experiment that a learner left running when it ended goes on first. `store` and
  // `trainer` are borrowed.
  static absl::StatusOr<std::unique_ptr<ExperimentQueue>> Start(Options options,
                                                               ExperimentStore& store,
                                                               Trainer& trainer);

  // Calls Shutdown.
  ~ExperimentQueue();

  absl::StatusOr<v1::SubmitResponse> Submit(const v1::SubmitRequest& request);
  // With the progress of this moment; the contents of model files are left out.
  absl::StatusOr<v1::Experiment> Get(const std::string& experiment_id,
                                     ExperimentStore::Detail detail) const;
  absl::StatusOr<v1::ListResponse> List(const v1::ListRequest& request) const;
  absl::StatusOr<v1::Experiment> Cancel(const v1::CancelRequest& request);
  // InvalidArgument as for Submit. FailedPrecondition: not FREE_RUNNING, or already ended.
  // Waits for the replay when the experiment is running; Unavailable: nothing was changed, or
  // Shutdown was called meanwhile.
  absl::StatusOr<v1::Experiment> SetLimiter(const v1::SetLimiterRequest& request)
      ABSL_LOCKS_EXCLUDED(limiter_mu_, mu_);

  // Grows whenever an answer of Get may have changed.
  uint64_t changes() const;

  // Stops the running experiment, which the next learner on this store resumes, and ends the
  // queue's thread.
  void Shutdown();

 private:
  ExperimentQueue(Options options, ExperimentStore& store, Trainer& trainer)
      : options_(std::move(options)), store_(store), trainer_(trainer) {}

  // How the experiment that ran last ended.
  struct Outcome {
    std::string experiment_id;
    v1::ExperimentState state;
    std::string reason;
  };

  void RunLoop();
  // The next experiment; stored as running, but with the state that it had before. None if
  // nothing is queued or left running.
  absl::StatusOr<std::optional<v1::Experiment>> TakeNext() ABSL_LOCKS_EXCLUDED(mu_);
  void RunOne(const v1::Experiment& experiment);
  // Trains until the end; after trouble that may pass it goes on from the checkpoints, again and
  // again, and the board says why.
  absl::Status Train(v1::Experiment experiment, Trainer::Start start, const std::stop_token& stop)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Whether the error ends the single run for now, and it stays one that can be resumed: what is
  // damaged may be repaired, and for what fails here, as for a lack of memory, there may be room.
  bool IsHalt(const absl::Status& status) const;
  // How the experiment ended; nothing when it was only interrupted by Shutdown.
  std::optional<Outcome> Conclude(const std::string& experiment_id, const absl::Status& status)
      ABSL_LOCKS_EXCLUDED(mu_);
  void ReplaceBoard(std::shared_ptr<ProgressBoard> board) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the outcome, again and again if the store cannot; false: until shutdown.
  bool StoreOutcome(const Outcome& outcome) ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return IsShutDown() || (work_ && !halted_);
  }
  bool IsShutDown() const { return shutdown_.stop_requested(); }
  // Makes the replay forget experiments that have ended; later again if it cannot be reached now.
  void DropTables();
  std::string ResultsPath(const std::string& experiment_id) const;
  // Whether it is the experiment that ended last, which the store may not know yet.
  bool HasConcluded(const std::string& experiment_id) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // What the store may not know yet: live progress, how the last experiment ended.
  void AddLive(v1::Experiment& experiment) const ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  ExperimentStore& store_;
  Trainer& trainer_;
  std::stop_source shutdown_;  // requested under mu_, so that whoever waits there sees it

  absl::Mutex limiter_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // one SetLimiter at a time
  mutable absl::Mutex mu_;
  bool work_ ABSL_GUARDED_BY(mu_) = true;  // the store may hold something queued
  // The single run halts; whoever mends what stopped it starts a learner again.
  bool halted_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t state_changes_ ABSL_GUARDED_BY(mu_) = 1;
  std::string running_id_ ABSL_GUARDED_BY(mu_);
  std::optional<std::string> cancel_reason_ ABSL_GUARDED_BY(mu_);  // of the running one
  std::stop_source stop_ ABSL_GUARDED_BY(mu_);                     // of the running one
  std::shared_ptr<ProgressBoard> board_ ABSL_GUARDED_BY(mu_);      // of the running one
  // Of the experiment that ended last. It stays when it is stored: who read the store
  // before that sees it all the same.
  std::optional<Outcome> outcome_ ABSL_GUARDED_BY(mu_);

  // Used by the thread only.
  bool tables_left_ = true;          // the replay may hold tables of experiments that have ended
  std::set<std::string> undropped_;  // of which nothing is wanted any more
  std::thread thread_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SERVICE_EXPERIMENT_QUEUE_H_
