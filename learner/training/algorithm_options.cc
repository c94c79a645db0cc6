#include "learner/training/algorithm_options.h"

namespace sr2l {
namespace {

Activation ToActivation(v1::Activation activation) {
  switch (activation) {
    case v1::TANH:
      return Activation::kTanh;
    case v1::RELU:
      return Activation::kRelu;
    default:
      return Activation::kLinear;
  }
}

GradientKind ToGradientKind(v1::SmoothnessConfig::Gradient gradient) {
  switch (gradient) {
    case v1::SmoothnessConfig::L2:
      return GradientKind::kL2;
    case v1::SmoothnessConfig::MAX_NORM:
      return GradientKind::kMaxNorm;
    case v1::SmoothnessConfig::RAW:
      return GradientKind::kRaw;
    default:
      return GradientKind::kSign;
  }
}

}  // namespace

TrpoOptions MakeTrpoOptions(const v1::ExperimentConfig& config) {
  const v1::TrpoConfig& trpo = config.trpo();
  TrpoOptions options;
  options.discount = trpo.discount();
  options.gae_lambda = trpo.gae_lambda();
  options.max_kl = trpo.max_kl();
  options.cg_iterations = trpo.cg_iterations();
  options.damping = trpo.damping();
  options.backtracks = trpo.backtracks();
  options.backtrack_ratio = trpo.backtrack_ratio();
  options.policy = {.inputs = config.task().observation_dim(),
                    .hidden = {trpo.hidden().begin(), trpo.hidden().end()},
                    .outputs = config.task().action_dim(),
                    .activation = ToActivation(trpo.activation()),
                    .output_activation = Activation::kLinear};
  options.shared_sigma = trpo.sigma() == v1::TrpoConfig::SHARED;
  options.initial_sigma = trpo.initial_sigma();
  options.minimum_sigma = trpo.minimum_sigma();
  if (trpo.has_linear_baseline()) {
    options.baseline = LinearBaselineOptions{.ridge = trpo.linear_baseline().ridge()};
  } else {
    const v1::ValueNetworkConfig& value = trpo.value_network();
    options.baseline = ValueNetworkOptions{.hidden = {value.hidden().begin(), value.hidden().end()},
                                           .activation = ToActivation(value.activation()),
                                           .epochs = value.epochs(),
                                           .minibatch_size = value.minibatch_size(),
                                           .learning_rate = value.learning_rate()};
  }
  return options;
}

std::optional<SmoothnessOptions> MakeSmoothnessOptions(const v1::ExperimentConfig& config) {
  if (!config.has_smoothness()) return std::nullopt;
  const v1::SmoothnessConfig& smoothness = config.smoothness();
  return SmoothnessOptions{
      .steps = smoothness.steps(),
      .step_size = smoothness.step_size(),
      .gradient = ToGradientKind(smoothness.gradient()),
      .norm = smoothness.norm() == v1::SmoothnessConfig::LINF ? BallNorm::kLinf : BallNorm::kL2,
      .detach_sigma = smoothness.detach_sigma(),
      .discount_weighting = smoothness.discount_weighting()};
}

DdpgOptions MakeDdpgOptions(const v1::ExperimentConfig& config) {
  const v1::DdpgConfig& ddpg = config.ddpg();
  const int64_t observation_dim = config.task().observation_dim();
  const int64_t action_dim = config.task().action_dim();
  DdpgOptions options;
  options.discount = ddpg.discount();
  options.actor_learning_rate = ddpg.actor_learning_rate();
  options.critic_learning_rate = ddpg.critic_learning_rate();
  options.target_update_rate = ddpg.target_update_rate();
  options.batch_size = ddpg.batch_size();
  options.terminate_at_truncation = ddpg.terminate_at_truncation();
  options.actor = {.inputs = observation_dim,
                   .hidden = {ddpg.hidden().begin(), ddpg.hidden().end()},
                   .outputs = action_dim,
                   .activation = ToActivation(ddpg.activation()),
                   .output_activation = Activation::kTanh};
  options.critic = {.inputs = observation_dim + action_dim,
                    .hidden = {ddpg.critic_hidden().begin(), ddpg.critic_hidden().end()},
                    .outputs = 1,
                    .activation = ToActivation(ddpg.activation()),
                    .output_activation = Activation::kLinear};
  return options;
}

std::optional<DdpgSmoothness> MakeDdpgSmoothness(const v1::ExperimentConfig& config) {
  const std::optional<SmoothnessOptions> options = MakeSmoothnessOptions(config);
  if (!options.has_value()) return std::nullopt;
  const bool critic = config.smoothness().on() == v1::SmoothnessConfig::CRITIC;
  return DdpgSmoothness{
      .target = critic ? SmoothnessTarget::kCritic : SmoothnessTarget::kPolicy,
      .options = *options};
}

std::vector<MemberOptions> MakeMemberOptions(const v1::ExperimentConfig& config,
                                             const std::vector<uint32_t>& members) {
  std::vector<MemberOptions> options;
  for (const uint32_t index : members) {
    const v1::MemberConfig& member = config.members().member(static_cast<int>(index));
    options.push_back({.seed = member.seed(),
                       .radius = member.radius(),
                       .coefficient = member.coefficient()});
  }
  return options;
}

v1::NetworkShape PolicyNetworkShape(const v1::ExperimentConfig& config) {
  v1::NetworkShape shape;
  shape.set_inputs(config.task().observation_dim());
  shape.set_outputs(config.task().action_dim());
  if (config.has_ddpg()) {
    *shape.mutable_hidden() = config.ddpg().hidden();
    shape.set_activation(config.ddpg().activation());
    shape.set_output_activation(v1::TANH);
  } else {
    *shape.mutable_hidden() = config.trpo().hidden();
    shape.set_activation(config.trpo().activation());
    shape.set_output_activation(v1::LINEAR);
  }
  return shape;
}

}  // namespace sr2l
