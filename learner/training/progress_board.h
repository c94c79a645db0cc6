#ifndef SR2L_LEARNER_TRAINING_PROGRESS_BOARD_H_
#define SR2L_LEARNER_TRAINING_PROGRESS_BOARD_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// How far a running experiment is; written by the cohorts, read by whoever watches.
// Thread-safe.
class ProgressBoard {
 public:
  // `config` must be resolved (members one by one). `num_waiters` threads may wait.
  ProgressBoard(const v1::ExperimentConfig& config, size_t num_waiters, absl::Time now);

  // A member goes on from there: steps that were taken before, and make no speed.
  void Restore(const v1::MemberProgress& member);

  // A member finished a round (or failed).
  void Record(const v1::MemberProgress& member, absl::Time now);

  // A member's policy after that round was evaluated.
  void RecordEvaluation(uint32_t member, uint64_t round, double return_mean);

  // What a waiter waits for; empty: it does not.
  void SetWaiting(size_t waiter, const std::string& what);

  v1::Progress Snapshot(absl::Time now) const;

  // Grows with every change.
  uint64_t changes() const;

  absl::Time started_at() const { return started_at_; }

 private:
  // All but the newest evaluation.
  void Replace(const v1::MemberProgress& member) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::Time started_at_;
  const uint64_t env_steps_total_;

  mutable absl::Mutex mu_;
  uint64_t changes_ ABSL_GUARDED_BY(mu_) = 1;
  std::vector<v1::MemberProgress> members_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> waiting_ ABSL_GUARDED_BY(mu_);  // by waiter
  // (time, steps over all members) of the last few seconds, oldest first; restored steps
  // count as there from the beginning.
  std::deque<std::pair<absl::Time, uint64_t>> history_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_PROGRESS_BOARD_H_
