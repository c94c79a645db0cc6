#ifndef SR2L_LEARNER_TRAINING_OFF_POLICY_COHORT_H_
#define SR2L_LEARNER_TRAINING_OFF_POLICY_COHORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "learner/training/cohort.h"
#include "learner/training/sample_prefetcher.h"

namespace sr2l {

// DDPG's loop (paper, Algorithms 2 and 3), in cycles: publish a policy, let the actors take
// the cycle's steps, draw the transitions of its updates from the replay, update.
//
// SYNCHRONOUS: a cycle's draws come from the contents after exactly its steps, so what is
// learned is a function of the configuration. FREE_RUNNING: from what is stored when the
// replay's limiter lets the learner draw, and the next block is drawn while this one is
// learned from.
//
// On the CPU every member goes through its cycles by itself: while one is updated, the
// actors of the others step on. On a GPU all members are one batch.
class OffPolicyCohort final : public Cohort {
 public:
  OffPolicyCohort(const TrainingContext& context, size_t index, std::vector<uint32_t> members,
                  torch::Device device);

 private:
  // Means of the update's figures over a round.
  struct Figures {
    uint64_t updates = 0;
    double critic_loss = 0;
    double q_mean = 0;
    double actor_objective = 0;
    double nonsmoothness = 0;
    double perturbation_gain = 0;
    double boundary_share = 0;
    double local_lipschitz = 0;
  };
  struct Row {
    uint64_t version = 0;  // of the policy now held: finished cycles
    std::vector<uint64_t> end_steps;  // by stream: what was learned of so far
    std::vector<v1::EpisodeSummary> episodes;  // that ended in the running round
    Figures sums;                              // over the running round
  };
  // Rows that are updated as one batch.
  struct Group {
    int64_t first = 0;
    int64_t count = 0;
    uint64_t cycle = 0;       // that comes next
    uint64_t num_drawn = 0;   // transitions per row so far
    bool finished = false;
  };

  absl::Status Advance(std::stop_token stop) override;
  bool finished() const override;
  std::vector<v1::PolicySnapshot> Policies(int64_t first, int64_t count) const override;
  torch::Tensor Baselines(int64_t first, int64_t count) const override;
  uint64_t Position(int64_t row) const override { return rows_[row].version; }
  void Save(std::vector<v1::MemberCheckpoint>& members) override;
  absl::Status Load(const std::vector<v1::MemberCheckpoint>& members) override;
  uint64_t CheckpointSpan() const override;
  // Goes with the next request for samples.
  absl::Status Release(uint64_t position, std::stop_token stop) override;
  void KeepRows(const std::vector<int64_t>& rows) override;

  bool free_running() const { return config().collection() == v1::FREE_RUNNING; }
  uint64_t num_cycles() const;
  // Of one stream, in the whole experiment.
  uint64_t steps_per_stream() const;
  // Transitions that the group's next cycle draws for each member.
  int64_t NumDraws(const Group& group) const;
  v1::SampleRequest RequestOf(const Group& group);

  // The block of the group's next cycle.
  absl::StatusOr<SampledBlock> Draw(const Group& group, std::stop_token stop);
  // What there is beside samples when no more steps come; DeadlineExceeded when some may.
  absl::StatusOr<SampledBlock> DrawLast(const v1::SampleRequest& request, const absl::Status& wait,
                                        const std::stop_token& stop);
  bool AllSteps(const SampledBlock& block) const;

  // Learns from the drawn transitions, if any; publishes, records and drops who failed.
  absl::Status Learn(const Group& group, TransitionBlock& transitions);
  // What happened since the last cycle.
  absl::Status TakeSummary(int64_t row, const v1::SampleSummary& summary);
  void Normalize(const Group& group, TransitionBlock& transitions) const;
  void AddFigures(int64_t first, uint64_t updates, const DdpgStats& stats);
  // Records the rows that finished a round.
  absl::Status RecordRounds(const Group& group, uint64_t updates,
                            const std::vector<std::string>& failure);
  void WriteFigures(const Figures& sums, v1::MemberProgress& member) const;

  const torch::Device device_;
  Ddpg ddpg_;
  std::vector<Row> rows_;
  std::vector<Group> groups_;
  size_t next_group_ = 0;
  bool started_ = false;
  uint64_t released_step_ = 0;  // of every stream
  SamplePrefetcher prefetcher_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_OFF_POLICY_COHORT_H_
