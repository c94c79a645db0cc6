#ifndef SR2L_LEARNER_TRAINING_COHORT_H_
#define SR2L_LEARNER_TRAINING_COHORT_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "learner/checkpoint/checkpoint_writer.h"
#include "learner/fleet/fleet.h"
#include "learner/nn/device_graph.h"
#include "learner/training/evaluations.h"
#include "learner/training/learner_metrics.h"
#include "learner/training/observation_normalizer.h"
#include "learner/training/progress_board.h"
#include "learner/training/results_folder.h"
#include "learner/training/resume_point.h"
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
  CheckpointWriter& checkpoints;
  Evaluations& evaluations;
  absl::Duration checkpoint_interval;
  DeviceGraphMaker new_graph;
};

// How long one call waits in the replay before it says what is missing and asks again.
inline constexpr absl::Duration kReplayPatience = absl::Seconds(1);

// What is waited for when a call to the replay fails.
inline constexpr char kReplayService[] = "the replay service";

// Members of one experiment that are trained together, as the leading dimension of every
// tensor: row i of the tensors is member(i). Members do not depend on one another, so how
// they are divided into cohorts changes no bit of any result. This part keeps the books: who
// still trains, what is published, recorded and written; the loop is OnPolicyCohort's (trpo)
// or OffPolicyCohort's (ddpg). Not thread-safe: one thread calls Run.
class Cohort {
 public:
  virtual ~Cohort() = default;

  // Trains until it is finished or `stop` is requested. A member that fails is stopped and
  // recorded, the others go on. Errors: what ends the experiment (the replay lost its tables,
  // a result cannot be written).
  absl::Status Run(std::stop_token stop);

  // Goes on from where the checkpoints of all its members were taken, instead of from the
  // start, with what the replay holds; before Run. DataLoss: they do not fit this experiment.
  absl::Status Restore(const Checkpoints& checkpoints, const HeldByMember& held);

  // Why members failed: "member 2: ..."; empty when none did.
  const std::vector<std::string>& failures() const { return failures_; }

 protected:
  // `index`: among the experiment's cohorts. `members`: ascending.
  Cohort(const TrainingContext& context, size_t index, std::vector<uint32_t> members);

  // The next part of the loop; may throw what LibTorch throws.
  virtual absl::Status Advance(std::stop_token stop) = 0;
  virtual bool finished() const = 0;
  // Of rows first, ..., first + count - 1: what actors act with (without experiment, member
  // and normalization), and the value function's or critic's parameters [count, V].
  virtual std::vector<v1::PolicySnapshot> Policies(int64_t first, int64_t count) const = 0;
  virtual torch::Tensor Baselines(int64_t first, int64_t count) const = 0;
  // Rounds or cycles that the row has learned from.
  virtual uint64_t Position(int64_t row) const = 0;
  // What the algorithm and the loop know of all rows; members[i] is row i's.
  virtual void Save(std::vector<v1::MemberCheckpoint>& members) = 0;
  virtual absl::Status Load(const std::vector<v1::MemberCheckpoint>& members) = 0;
  // Most rounds or cycles from one checkpoint to the next.
  virtual uint64_t CheckpointSpan() const = 0;
  // Tells the replay what is needed no more: rounds or cycles before `position`, of all rows.
  virtual absl::Status Release(uint64_t position, std::stop_token stop) = 0;
  // Goes on with these rows only.
  virtual void KeepRows(const std::vector<int64_t>& rows) = 0;

  const TrainingContext& context() const { return context_; }
  const v1::ExperimentConfig& config() const { return context_.config; }
  int64_t num_rows() const { return static_cast<int64_t>(members_.size()); }
  const std::vector<uint32_t>& members() const { return members_; }
  v1::MemberProgress& progress(int64_t row) { return progress_[row]; }
  // Null: observations are not normalized.
  RunningStatistics* statistics(int64_t row) {
    return statistics_.empty() ? nullptr : &statistics_[row];
  }
  // How row's networks see observations; absent: as they are.
  std::optional<v1::ObservationNormalization> Normalization(int64_t row) const;

  // Calls the replay again while it cannot be reached; says so meanwhile.
  absl::Status CallReplay(std::stop_token stop, const std::function<absl::Status()>& call);

  // Makes a call that waits in the replay, again and again while it answers DeadlineExceeded:
  // that is no failure, but whoever watches is told what is missing. FailedPrecondition: an
  // actor cannot drive the experiment. Cancelled when `stop` was requested.
  absl::Status AwaitReplay(std::stop_token stop, const std::function<absl::Status()>& call);

  // They need no more steps: their streams make room for others'.
  void LeaveFleet(int64_t first, int64_t count);

  // Sends rows' policies to the actors.
  void Publish(int64_t first, int64_t count);

  // Writes rows' finished rounds to the curve, the board and the metrics. `steps` of the
  // environment and `updates`: over these rows since their last call.
  absl::Status Record(const std::vector<int64_t>& rows, uint64_t steps, uint64_t updates);

  // Stops the rows that have a failure, `failure[i]` being of row first + i.
  absl::Status DropFailed(int64_t first, const std::vector<std::string>& failure);

  // A copy named by `round` if the configuration asks for one at a round after `before`, up
  // to it.
  absl::Status KeepPolicies(int64_t first, int64_t count, uint64_t before, uint64_t round);

  // Asks for evaluations of rows' policies if the configuration wants them at a round after
  // `before`, up to `round`. Before a checkpoint of that round.
  absl::Status EvaluatePolicies(int64_t first, int64_t count, uint64_t before, uint64_t round);

 private:
  // For whoever watches, where the replay answered with `status`: DeadlineExceeded.
  std::string WhatIsMissing(const absl::Status& status) const;

  enum class Urgency { kWhenDue, kNow };

  // What the part returns; Internal, with the round, for an exception.
  absl::Status Try(const std::function<absl::Status()>& part) const;
  // Takes a checkpoint if it is time, and lets the replay forget what none needs any more.
  absl::Status Checkpoint(Urgency urgency, std::stop_token stop);
  // Returns when the last checkpoint is written, or another one in its place: before that training
  // must not go on, as the replay may have no room for more steps. Aborted: none can be written.
  absl::Status AwaitLastCheckpoint(std::stop_token stop);
  // While steps are missing: the replay may have no room but for what checkpoints make
  // dispensable. If its memory or the ring is full the last one alone must do.
  absl::Status MakeRoom(std::stop_token stop);
  // Whether the replay's memory is full, or the ring, of which the learner needs no step before
  // `position`.
  absl::StatusOr<bool> IsReplayFull(uint64_t position, std::stop_token stop);
  absl::Status ReleaseBefore(uint64_t position, std::stop_token stop);
  uint64_t LeastPosition() const;
  v1::Checkpoint MakeCheckpoint();
  // When training stops before its end.
  void TakeLastCheckpoint();
  // So that a resumed experiment knows that the row failed.
  void CheckpointFailure(int64_t row);
  std::vector<v1::PolicySnapshot> Snapshots(int64_t first, int64_t count) const;
  // `keep_round`: adds a copy named by it.
  absl::Status WriteMembers(int64_t first, int64_t count, std::optional<uint64_t> keep_round);

  const TrainingContext context_;
  const size_t index_;
  std::vector<uint32_t> members_;              // still training; by row
  std::vector<v1::MemberProgress> progress_;   // by row
  std::vector<RunningStatistics> statistics_;  // by row; empty without normalization
  std::vector<std::string> failures_;
  absl::Time last_checkpoint_;
  uint64_t checkpoint_position_ = 0;  // of the first row, at the last one
  uint64_t released_ = 0;  // position before which the replay may have forgotten
};

// A row of a float32 tensor on the CPU, as parameters travel.
std::string FloatBytes(const torch::Tensor& row);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_COHORT_H_
