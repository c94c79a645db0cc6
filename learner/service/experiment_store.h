#ifndef SR2L_LEARNER_SERVICE_EXPERIMENT_STORE_H_
#define SR2L_LEARNER_SERVICE_EXPERIMENT_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "learner/service/sqlite.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// All experiments that were ever submitted to one learner, in an SQLite file (table
// `experiments`, readable with the sqlite3 command). Every change is durable when its
// call returns. Thread-safe.
class ExperimentStore {
 public:
  // Opens or creates the file. A file of a newer schema is refused.
  static absl::StatusOr<std::unique_ptr<ExperimentStore>> Open(const std::string& path);

  // Adds a queued experiment. With an idempotency key that is known: returns the earlier
  // experiment if `config` is equal, AlreadyExists if it differs.
  absl::StatusOr<v1::Experiment> Add(const v1::ExperimentConfig& config,
                                     const std::string& idempotency_key, absl::Time now);

  // Everything of one experiment, the config (which may hold a large model) only where it
  // is asked for. NotFound names the id.
  enum class Detail { kWithoutConfig, kAll };
  absl::StatusOr<v1::Experiment> Get(const std::string& experiment_id, Detail detail) const;

  // Whether the experiment is one of these and will never change again; false if it cannot be read.
  bool IsOver(const std::string& experiment_id) const;

  // Newest first, without configs, at most `page_size`, older than `page_token` if given.
  absl::StatusOr<v1::ListResponse> List(const v1::ListRequest& request) const;

  // The experiment that a learner was running when it ended, else the oldest queued one, if
  // any.
  absl::StatusOr<std::optional<v1::Experiment>> NextToRun() const;

  // Moves an experiment on: state, reason, the time of the change, progress.
  // FailedPrecondition when it has already ended.
  absl::Status SetState(const std::string& experiment_id, v1::ExperimentState state,
                        const std::string& reason, absl::Time now);
  absl::Status SetProgress(const std::string& experiment_id, const v1::Progress& progress);

  // Replaces the configuration. FailedPrecondition when it has already ended.
  absl::Status SetConfig(const std::string& experiment_id, const v1::ExperimentConfig& config);

  // Number of experiments in a state.
  absl::StatusOr<int64_t> Count(v1::ExperimentState state) const;

  // Counts the starts of the learner on this file, from 1: the upper half of lease
  // epochs, so that they grow over restarts.
  absl::StatusOr<uint64_t> NextGeneration();

 private:
  explicit ExperimentStore(SqliteHandle database) : database_(std::move(database)) {}

  absl::Status CreateSchema();
  // FailedPrecondition when it has already ended.
  absl::Status CheckGoesOn(const std::string& experiment_id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<v1::Experiment> GetLocked(const std::string& experiment_id, Detail detail) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  const SqliteHandle database_ ABSL_PT_GUARDED_BY(mu_);
};

// Whether an experiment in this state will never change again.
bool HasEnded(v1::ExperimentState state);

}  // namespace sr2l

#endif  // SR2L_LEARNER_SERVICE_EXPERIMENT_STORE_H_
