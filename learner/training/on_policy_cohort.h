#ifndef SR2L_LEARNER_TRAINING_ON_POLICY_COHORT_H_
#define SR2L_LEARNER_TRAINING_ON_POLICY_COHORT_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "learner/algorithms/trpo.h"
#include "learner/training/cohort.h"
#include "learner/training/round_assembly.h"

namespace sr2l {

// TRPO's loop (paper, Algorithm 1): publish, collect a round with that policy, update.
class OnPolicyCohort final : public Cohort {
 public:
  OnPolicyCohort(const TrainingContext& context, size_t index, std::vector<uint32_t> members,
                 torch::Device device);

 private:
  absl::Status Advance(std::stop_token stop) override;
  bool finished() const override;
  std::vector<v1::PolicySnapshot> Policies(int64_t first, int64_t count) const override;
  torch::Tensor Baselines(int64_t first, int64_t count) const override;
  uint64_t Position(int64_t /*row*/) const override { return version_; }
  void Save(std::vector<v1::MemberCheckpoint>& members) override;
  absl::Status Load(const std::vector<v1::MemberCheckpoint>& members) override;
  uint64_t CheckpointSpan() const override { return std::numeric_limits<uint64_t>::max(); }
  absl::Status Release(uint64_t position, std::stop_token stop) override;
  void KeepRows(const std::vector<int64_t>& rows) override { trpo_.Keep(rows); }

  absl::StatusOr<Round> CollectRound(uint64_t round, std::stop_token stop);
  // What the networks see instead of the raw observations, of which the statistics are taken.
  void Normalize(RoundBatch& batch);
  absl::Status RecordRound(uint64_t round, const Round& collected, const TrpoStats& stats);
  RoundShape Shape() const;

  const torch::Device device_;
  Trpo trpo_;
  uint64_t version_ = 0;  // of the policies now held
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_ON_POLICY_COHORT_H_
