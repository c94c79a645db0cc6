#ifndef SR2L_LEARNER_TRAINING_RESULTS_FOLDER_H_
#define SR2L_LEARNER_TRAINING_RESULTS_FOLDER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/files/file_descriptor.h"
#include "learner/tensorboard/tensorboard_log.h"
#include "learner/training/evaluation_files.h"
#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// What an experiment leaves behind, in one folder:
//   experiment.textproto                     the configuration with every default; beside it
//                                            the files of a model that is not a built-in one
//   curve.csv                                a row per member and round
//   evaluations.csv, evaluations/pending     see EvaluationFiles
//   tensorboard/member_000/...               rounds and evaluations for TensorBoard
//   policies/member_000.member               TrainedMember, the newest state
//   policies/member_000_round_000100.member  kept ones
// Thread-safe.
class ResultsFolder {
 public:
  // Creates the folder and starts the curve. An existing curve is refused: results are
  // never overwritten.
  static absl::StatusOr<std::unique_ptr<ResultsFolder>> Create(
      const std::string& path, const v1::ExperimentConfig& config, absl::Time now);

  // Goes on with a folder that Create made: keeps the rows of the curve and the evaluations up
  // to each member's round, by member; what came after is learned again. NotFound: there is no
  // curve, and no member has a round. Where the curve of others was removed, or lost by a power cut
  // to its first line, a new one begins, and `env_steps`, by member, say how far they are.
  // DataLoss: it is not one of this version.
  static absl::StatusOr<std::unique_ptr<ResultsFolder>> Resume(
      const std::string& path, const std::vector<uint64_t>& rounds,
      const std::vector<uint64_t>& env_steps, absl::Time now);

  // Appends a member's finished round to the curve, `now`. `wall_seconds`: since the start.
  absl::Status AppendRound(const v1::MemberProgress& member, double wall_seconds,
                           absl::Time now);

  // When it returns OK, the rounds that were appended before outlive a loss of power.
  absl::Status SyncRounds();

  // Appends what an evaluation during training found, `now`.
  absl::Status AppendEvaluation(const EvaluationRow& row, absl::Time now);

  EvaluationFiles& evaluations() { return evaluations_; }

  // Writes a member's state whole or not at all; `keep_round` adds a copy named by it.
  absl::Status WriteMember(const v1::TrainedMember& member, std::optional<uint64_t> keep_round);

 private:
  ResultsFolder(std::string path, absl::Time now)
      : path_(std::move(path)), evaluations_(path_), tensorboard_(path_ + "/tensorboard", now) {}

  std::string CurvePath() const { return path_ + "/curve.csv"; }
  // Opens the curve to append to it.
  absl::Status OpenCurve();

  const std::string path_;
  EvaluationFiles evaluations_;
  absl::Mutex mu_;
  FileDescriptor curve_ ABSL_GUARDED_BY(mu_);
  TensorBoardLog tensorboard_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_RESULTS_FOLDER_H_
