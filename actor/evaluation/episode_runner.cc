#include "actor/evaluation/episode_runner.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/random/philox.h"
#include "common/status/check.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr uint32_t kProbeEvery = 10;  // steps

bool IsDisturbed(const Disturbance& disturbance) {
  return disturbance.kind != Disturbance::Kind::kNone && InnerRadius(disturbance.radius) > 0;
}

// An evaluation draws apart from any training, whatever seed that had.
uint64_t SeedOfDraws(uint64_t seed) { return Philox(seed, Purpose::kEvaluation).Bits(0); }

double Distance(const float* a, const float* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

}  // namespace

EpisodeRunner::EpisodeRunner(Environment& environment, const Policy& policy,
                             const EpisodeOptions& options)
    : environment_(environment),
      policy_(policy),
      options_(options),
      seed_(SeedOfDraws(options.seed)),
      disturbed_(IsDisturbed(options.disturbance)),
      probe_radius_(disturbed_ ? options.disturbance.radius : options.probe_radius),
      prober_(policy),
      adversary_(policy, Adversary::Objective::kDivergence),
      state_(policy.observation_dim()),
      seen_(policy.observation_dim()),
      last_seen_(policy.observation_dim()),
      unit_(policy.observation_dim()),
      offset_(policy.observation_dim()),
      mean_(policy.action_dim()),
      action_(policy.action_dim()) {
  SR2L_CHECK(environment.observation_dim() == policy.observation_dim());
  SR2L_CHECK(environment.action_dim() == policy.action_dim());
  SR2L_CHECK(policy.is_gaussian() || !options.sample_actions);
}

absl::StatusOr<EpisodeResult> EpisodeRunner::Run(uint32_t episode) {
  return Run(episode, [](const Environment&) { return true; });
}

absl::StatusOr<EpisodeResult> EpisodeRunner::Run(uint32_t episode, Spectator spectator) {
  SR2L_RETURN_IF_ERROR(environment_.Reset(seed_, /*stream=*/0, episode));
  means_ = {};
  samples_ = {};
  num_ratios_ = 0;
  EpisodeResult result;
  result.probe_radius = probe_radius_;
  SR2L_ASSIGN_OR_RETURN(bool goes_on, spectator(environment_));
  while (goes_on) {
    Observe(episode, result);
    Act(episode);
    Record();
    SR2L_ASSIGN_OR_RETURN(const StepResult step, environment_.Step(action_.data()));
    result.return_ += step.reward;
    result.terminated = step.terminated;
    result.diverged = step.diverged;
    if (!step.diverged) {
      SR2L_ASSIGN_OR_RETURN(goes_on, spectator(environment_));
    }
    goes_on = goes_on && !step.terminated && !step.truncated;
  }
  result.length = environment_.episode_step();
  result.means = Measure(means_);
  if (options_.sample_actions) result.samples = Measure(samples_);
  return result;
}

void EpisodeRunner::DrawOffset(uint32_t episode) {
  Philox(seed_, Purpose::kPerturbation, episode)
      .FillUniform(environment_.episode_step(), static_cast<uint32_t>(unit_.size()), unit_.data());
  PointInBall(unit_, probe_radius_, offset_.data());
}

void EpisodeRunner::Observe(uint32_t episode, EpisodeResult& result) {
  policy_.Normalize(environment_.observation().data(), state_.data());
  last_seen_.swap(seen_);
  seen_ = state_;
  const bool probed = options_.probe_states && environment_.episode_step() % kProbeEvery == 0;
  if (!disturbed_ && !probed) return;
  DrawOffset(episode);
  if (probed) result.probes.push_back(prober_.Probe(state_.data(), probe_radius_, offset_));
  if (!disturbed_) return;
  if (options_.disturbance.kind == Disturbance::Kind::kAdversarial) {
    if (probed) {
      offset_ = prober_.worst();
    } else {
      adversary_.Maximize(state_.data(), probe_radius_, offset_.data());
    }
  }
  for (size_t i = 0; i < seen_.size(); ++i) seen_[i] += offset_[i];
}

void EpisodeRunner::Act(uint32_t episode) {
  policy_.network().Forward(seen_.data(), /*batch=*/1, mean_.data());
  action_ = mean_;
  if (options_.sample_actions) {
    policy_.Sample(mean_.data(), seed_, episode, environment_.episode_step(), action_.data());
  }
}

void EpisodeRunner::Record() {
  double moved = 0;
  if (environment_.episode_step() > 0) {
    moved = Distance(seen_.data(), last_seen_.data(), seen_.size());
  }
  if (moved > 0) ++num_ratios_;
  AddStep(mean_.data(), moved, means_);
  if (options_.sample_actions) AddStep(action_.data(), moved, samples_);
}

void EpisodeRunner::AddStep(const float* action, double moved, Trace& trace) const {
  const size_t action_dim = action_.size();
  for (size_t i = 0; i < action_dim; ++i) {
    trace.actions.push_back(std::clamp(action[i], -1.0f, 1.0f));
  }
  if (moved > 0) {
    const float* const newest = trace.actions.data() + trace.actions.size() - action_dim;
    trace.ratio_sum += Distance(newest, newest - action_dim, action_dim) / moved;
  }
}

ActionTrace EpisodeRunner::Measure(const Trace& trace) const {
  return {.smoothness = MeasureActions(trace.actions, policy_.action_dim()),
          .lipschitz_ratio = num_ratios_ > 0 ? trace.ratio_sum / num_ratios_
                                             : std::numeric_limits<double>::quiet_NaN()};
}

}  // namespace sr2l
