#ifndef SR2L_LEARNER_TRAINING_EVALUATION_FILES_H_
#define SR2L_LEARNER_TRAINING_EVALUATION_FILES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {

// Which evaluation during training: each member has one at most after a round.
struct EvaluationKey {
  uint32_t member = 0;
  uint64_t round = 0;  // finished
  auto operator<=>(const EvaluationKey&) const = default;
};

// What came of it. Returns are undiscounted.
struct EvaluationRow {
  EvaluationKey key;
  uint64_t member_seed = 0;
  double radius = 0;       // of the member
  double coefficient = 0;  // of the member
  uint64_t env_steps = 0;  // of the member so far
  uint64_t policy_version = 0;
  uint64_t evaluation_seed = 0;  // of the episodes
  uint32_t episodes = 0;         // >= 1
  double return_mean = 0;
  double return_std = 0;  // of the sample (divided by episodes - 1); NaN of one episode
  double return_min = 0;
  double return_max = 0;
  double length_mean = 0;  // steps
};

// The evaluations of a run in its folder, each either in the one place or in the other once it
// was asked for:
//   evaluations/pending/member_000_round_000100.evaluation   EvaluationGrant: not done yet
//   evaluations.csv                                          a row for each that is done
// Both appear with the first evaluation. Thread-safe.
class EvaluationFiles {
 public:
  // `path`: the run's folder, which must exist when something is written.
  explicit EvaluationFiles(std::string path) : path_(std::move(path)) {}

  // Goes on with what is there, by member up to its round: the rows and the pending ones
  // after it are dropped, since that round is learned again, and so is what is pending
  // although it has a row.
  absl::Status Resume(const std::vector<uint64_t>& rounds);

  // What Resume kept, of rows only key, env_steps and return_mean. By member, then round.
  const std::vector<EvaluationRow>& resumed_rows() const { return resumed_rows_; }
  const std::vector<EvaluationKey>& resumed_pending() const { return resumed_pending_; }

  // Durable when it returns.
  absl::Status WritePending(const v1::EvaluationGrant& evaluation) const;
  // DataLoss: the file is damaged.
  absl::StatusOr<v1::EvaluationGrant> ReadPending(const EvaluationKey& key) const;
  absl::Status RemovePending(const EvaluationKey& key) const;

  // Appends a row, durable when it returns.
  absl::Status Append(const EvaluationRow& row) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::string PendingFolder() const { return path_ + "/evaluations/pending"; }
  std::string PendingPath(const EvaluationKey& key) const;
  absl::Status ResumeRows(const std::vector<uint64_t>& rounds);
  absl::Status ResumePending(const std::vector<uint64_t>& rounds);

  const std::string path_;
  // Written by Resume only.
  std::vector<EvaluationRow> resumed_rows_;
  std::vector<EvaluationKey> resumed_pending_;
  absl::Mutex mu_;  // one Append at a time
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_EVALUATION_FILES_H_
