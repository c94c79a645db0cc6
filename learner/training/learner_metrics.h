#ifndef SR2L_LEARNER_TRAINING_LEARNER_METRICS_H_
#define SR2L_LEARNER_TRAINING_LEARNER_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <vector>

#include "learner/algorithms/ddpg_stats.h"
#include "learner/algorithms/trpo_stats.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// What training exports. Gauges are means over the members of the round that was
// recorded last. Thread-safe.
class LearnerMetrics {
 public:
  explicit LearnerMetrics(prometheus::Registry& registry);

  // Members were learned from: `steps` of the environment, in so many `updates`, over all of
  // them. `finished`: the figures of those that finished a round with it.
  void RecordLearning(const std::vector<v1::MemberProgress>& finished, uint64_t steps,
                      uint64_t updates);
  // What the phases of a cohort's update, or block of updates, took.
  void RecordPhases(const PhaseSeconds& seconds);
  void RecordPhases(const DdpgSeconds& seconds);
  void RecordWait(double seconds) { collection_wait_.Observe(seconds); }
  void RecordCheckpointPause(double seconds) { checkpoint_pause_.Observe(seconds); }
  void RecordPolicy(uint64_t version) { policy_version_.Set(static_cast<double>(version)); }
  void RecordFailedMember() { failed_members_.Increment(); }
  // Of evaluations during training.
  void RecordEvaluation(double return_mean) {
    evaluations_recorded_.Increment();
    evaluation_return_.Set(return_mean);
  }
  void RecordFailedEvaluation() { evaluations_failed_.Increment(); }
  void SetPendingEvaluations(size_t count) { evaluations_pending_.Set(static_cast<double>(count)); }

 private:
  prometheus::Family<prometheus::Histogram>& phases_;
  prometheus::Histogram& advantages_;
  prometheus::Histogram& perturbation_;
  prometheus::Histogram& gradient_;
  prometheus::Histogram& conjugate_gradient_;
  prometheus::Histogram& line_search_;
  prometheus::Histogram& value_fit_;
  prometheus::Histogram& targets_;
  prometheus::Histogram& critic_;
  prometheus::Histogram& actor_;
  prometheus::Histogram& finish_;
  prometheus::Histogram& collection_wait_;
  prometheus::Histogram& checkpoint_pause_;
  prometheus::Counter& updates_;
  prometheus::Counter& env_steps_;
  prometheus::Counter& failed_members_;
  prometheus::Gauge& kl_;
  prometheus::Gauge& surrogate_;
  prometheus::Gauge& nonsmoothness_;
  prometheus::Gauge& perturbation_gain_;
  prometheus::Gauge& critic_loss_;
  prometheus::Gauge& q_mean_;
  prometheus::Gauge& return_mean_;
  prometheus::Gauge& policy_version_;
  prometheus::Gauge& last_update_;
  prometheus::Family<prometheus::Counter>& evaluations_;
  prometheus::Counter& evaluations_recorded_;
  prometheus::Counter& evaluations_failed_;
  prometheus::Gauge& evaluations_pending_;
  prometheus::Gauge& evaluation_return_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_LEARNER_METRICS_H_
