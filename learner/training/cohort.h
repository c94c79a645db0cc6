#ifndef SR2L_LEARNER_TRAINING_COHORT_H_
#define SR2L_LEARNER_TRAINING_COHORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "learner/algorithms/trpo.h"
#include "learner/fleet/fleet.h"
#include "learner/training/learner_metrics.h"
#include "learner/training/progress_board.h"
#include "learner/training/results_folder.h"
#include "learner/training/round_assembly.h"
#include "replay/client/replay_client.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// What all cohorts of one experiment share. Borrowed; every part is thread-safe.
struct TrainingContext {
  const std::string& experiment_id;
  const v1::ExperimentConfig& config;  // resolved
  ReplayClient& replay;
  Fleet& fleet;
  ProgressBoard& board;
  ResultsFolder& results;
  LearnerMetrics& metrics;
};

// Members of one experiment that are updated together, as the leading dimension of every
// tensor. Members do not depend on one another, so how they are divided into cohorts
// changes no bit of any result. Not thread-safe: one thread calls Run.
class Cohort {
 public:
  // `index`: among the experiment's cohorts. `members`: ascending.
  Cohort(const TrainingContext& context, size_t index, std::vector<uint32_t> members,
         torch::Device device);

  // Publishes, collects, updates, round after round, until all rounds are done or `stop`
  // is requested. A member that fails is stopped and recorded, the others go on. Errors:
  // what ends the experiment (the replay lost its tables, a result cannot be written).
  absl::Status Run(std::stop_token stop);

  // Why members failed: "member 2: ..."; empty when none did.
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  // RunRound; what LibTorch throws becomes a status here.
  absl::Status TryRound(uint64_t round, std::stop_token stop);
  absl::Status RunRound(uint64_t round, std::stop_token stop);
  // Cancelled when `stop` was requested.
  absl::StatusOr<Round> CollectRound(uint64_t round, std::stop_token stop);
  absl::Status Record(uint64_t round, const Round& collected, const TrpoStats& stats);
  absl::Status DropFailed(const TrpoStats& stats);
  // Calls the replay again while it cannot be reached; says so meanwhile.
  absl::Status CallReplay(std::stop_token stop, const std::function<absl::Status()>& call);
  void Publish();
  absl::Status WriteMembers(bool keep);
  std::vector<v1::PolicySnapshot> Snapshots() const;  // by row
  RoundShape Shape() const;

  const TrainingContext context_;
  const size_t index_;
  const torch::Device device_;
  std::vector<uint32_t> members_;               // still training; row i of the tensors
  std::vector<v1::MemberProgress> progress_;    // by row
  std::vector<std::string> failures_;
  Trpo trpo_;
  uint64_t version_ = 0;  // of the policies now held
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_COHORT_H_
