#include "learner/training/learner_metrics.h"

#include <chrono>
#include <string>

namespace sr2l {
namespace {

const prometheus::Histogram::BucketBoundaries kSecondsBuckets = {
    0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};

prometheus::Counter& AddCounter(prometheus::Registry& registry, const std::string& name,
                                const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const std::string& name,
                            const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

// The mean of one figure over the members that have it.
template <typename Has, typename Value>
void SetMean(const std::vector<v1::MemberProgress>& members, Has has, Value value,
             prometheus::Gauge& gauge) {
  double sum = 0;
  int count = 0;
  for (const v1::MemberProgress& member : members) {
    if (!(member.*has)()) continue;
    sum += (member.*value)();
    ++count;
  }
  if (count > 0) gauge.Set(sum / count);
}

}  // namespace

LearnerMetrics::LearnerMetrics(prometheus::Registry& registry)
    : phases_(prometheus::BuildHistogram()
                  .Name("sr2l_learner_phase_duration_seconds")
                  .Help("Time of each phase of an update (ddpg: of a cycle's updates).")
                  .Register(registry)),
      advantages_(phases_.Add({{"phase", "advantages"}}, kSecondsBuckets)),
      perturbation_(phases_.Add({{"phase", "perturbation"}}, kSecondsBuckets)),
      gradient_(phases_.Add({{"phase", "gradient"}}, kSecondsBuckets)),
      conjugate_gradient_(phases_.Add({{"phase", "conjugate_gradient"}}, kSecondsBuckets)),
      line_search_(phases_.Add({{"phase", "line_search"}}, kSecondsBuckets)),
      value_fit_(phases_.Add({{"phase", "value_fit"}}, kSecondsBuckets)),
      targets_(phases_.Add({{"phase", "targets"}}, kSecondsBuckets)),
      critic_(phases_.Add({{"phase", "critic"}}, kSecondsBuckets)),
      actor_(phases_.Add({{"phase", "actor"}}, kSecondsBuckets)),
      finish_(phases_.Add({{"phase", "finish"}}, kSecondsBuckets)),
      collection_wait_(prometheus::BuildHistogram()
                           .Name("sr2l_learner_collection_wait_seconds")
                           .Help("Time that a cohort waited for its round of experience.")
                           .Register(registry)
                           .Add({}, kSecondsBuckets)),
      checkpoint_pause_(prometheus::BuildHistogram()
                            .Name("sr2l_learner_checkpoint_pause_seconds")
                            .Help("Time that a cohort stood still to copy what a checkpoint holds.")
                            .Register(registry)
                            .Add({}, kSecondsBuckets)),
      updates_(
          AddCounter(registry, "sr2l_learner_updates_total", "Updates, counted once per member.")),
      env_steps_(AddCounter(registry, "sr2l_learner_env_steps_total",
                            "Environment steps that were learned from.")),
      failed_members_(AddCounter(registry, "sr2l_learner_nonfinite_total",
                                 "Members stopped because an update was not finite.")),
      kl_(AddGauge(registry, "sr2l_learner_kl", "KL divergence old || new of the last update.")),
      surrogate_(AddGauge(registry, "sr2l_learner_surrogate",
                          "Mean of ratio times advantage after the last update.")),
      nonsmoothness_(AddGauge(registry, "sr2l_learner_nonsmoothness",
                              "Mean divergence at the perturbed states before the last update.")),
      perturbation_gain_(AddGauge(registry, "sr2l_learner_perturbation_gain_ratio",
                                  "Divergence after the ascent over that at its random start.")),
      critic_loss_(AddGauge(registry, "sr2l_learner_critic_loss",
                            "Mean squared error of the critic, over the last round's updates.")),
      q_mean_(AddGauge(registry, "sr2l_learner_q_mean",
                       "Mean value of the sampled actions, over the last round's updates.")),
      return_mean_(AddGauge(registry, "sr2l_episode_return_mean",
                            "Mean undiscounted return of the episodes that ended last.")),
      policy_version_(AddGauge(registry, "sr2l_policy_version",
                               "Version of the policy that was published last.")),
      last_update_(AddGauge(registry, "sr2l_learner_last_update_timestamp_seconds",
                            "When the last update ended.")),
      evaluations_(prometheus::BuildCounter()
                       .Name("sr2l_learner_evaluations_total")
                       .Help("Evaluations during training, by outcome.")
                       .Register(registry)),
      evaluations_recorded_(evaluations_.Add({{"outcome", "recorded"}})),
      evaluations_failed_(evaluations_.Add({{"outcome", "failed"}})),
      evaluations_pending_(AddGauge(registry, "sr2l_learner_evaluations_pending",
                                    "Evaluations that were asked for and are not recorded yet.")),
      evaluation_return_(AddGauge(registry, "sr2l_evaluation_return_mean",
                                  "Mean return of the evaluation that was recorded last.")) {}

void LearnerMetrics::RecordPhases(const PhaseSeconds& seconds) {
  advantages_.Observe(seconds.advantages);
  perturbation_.Observe(seconds.perturbation);
  gradient_.Observe(seconds.gradient);
  conjugate_gradient_.Observe(seconds.conjugate_gradient);
  line_search_.Observe(seconds.line_search);
  value_fit_.Observe(seconds.value_fit);
}

void LearnerMetrics::RecordPhases(const DdpgSeconds& seconds) {
  targets_.Observe(seconds.targets);
  critic_.Observe(seconds.critic);
  perturbation_.Observe(seconds.perturbation);
  actor_.Observe(seconds.actor);
  finish_.Observe(seconds.finish);
}

void LearnerMetrics::RecordLearning(const std::vector<v1::MemberProgress>& finished,
                                    uint64_t steps, uint64_t updates) {
  using Member = v1::MemberProgress;
  updates_.Increment(static_cast<double>(updates));
  env_steps_.Increment(static_cast<double>(steps));
  SetMean(finished, &Member::has_kl, &Member::kl, kl_);
  SetMean(finished, &Member::has_surrogate, &Member::surrogate, surrogate_);
  SetMean(finished, &Member::has_nonsmoothness, &Member::nonsmoothness, nonsmoothness_);
  SetMean(finished, &Member::has_perturbation_gain, &Member::perturbation_gain,
          perturbation_gain_);
  SetMean(finished, &Member::has_critic_loss, &Member::critic_loss, critic_loss_);
  SetMean(finished, &Member::has_q_mean, &Member::q_mean, q_mean_);
  SetMean(finished, &Member::has_return_mean, &Member::return_mean, return_mean_);
  if (updates == 0) return;
  last_update_.Set(std::chrono::duration<double>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count());
}

}  // namespace sr2l
