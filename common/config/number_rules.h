#ifndef SR2L_COMMON_CONFIG_NUMBER_RULES_H_
#define SR2L_COMMON_CONFIG_NUMBER_RULES_H_

#include <utility>

namespace sr2l {

// What numbers of an experiment may be, as the comments of the .proto files say. Fields are
// named Message.field.
// Intervals of numbers; a round bracket leaves the bound out.
inline constexpr std::pair<const char*, const char*> kNumberRules[] = {
    {"ExperimentConfig.rounds", "[1, 10000000]"},
    {"ExperimentConfig.steps_per_round", "[1, 1000000]"},
    {"ExperimentConfig.streams_per_member", "[1, 1024]"},
    {"ExperimentConfig.keep_policy_every", "[0, 10000000]"},
    {"TrpoConfig.discount", "(0, 1]"},
    {"TrpoConfig.gae_lambda", "[0, 1]"},
    {"TrpoConfig.max_kl", "(0, 100]"},
    {"TrpoConfig.cg_iterations", "[1, 1000]"},
    {"TrpoConfig.damping", "[0, 100]"},
    {"TrpoConfig.backtracks", "[1, 100]"},
    {"TrpoConfig.backtrack_ratio", "(0, 1)"},
    {"TrpoConfig.hidden", "[1, 4096]"},
    {"TrpoConfig.initial_sigma", "(0, 1000]"},
    {"TrpoConfig.minimum_sigma", "(0, 1000]"},
    {"DdpgConfig.discount", "(0, 1]"},
    {"DdpgConfig.actor_learning_rate", "(0, 1]"},
    {"DdpgConfig.critic_learning_rate", "(0, 1]"},
    {"DdpgConfig.target_update_rate", "(0, 1]"},
    {"DdpgConfig.batch_size", "[1, 65536]"},
    {"DdpgConfig.capacity", "[1, 1000000000]"},
    {"DdpgConfig.first_update", "[1, 1000000000]"},
    {"DdpgConfig.steps_per_cycle", "[1, 1000000]"},
    {"DdpgConfig.updates_per_cycle", "[1, 100000]"},
    {"DdpgConfig.hidden", "[1, 4096]"},
    {"DdpgConfig.critic_hidden", "[1, 4096]"},
    {"OrnsteinUhlenbeckConfig.sigma", "[0, 1000]"},
    {"OrnsteinUhlenbeckConfig.theta", "[0, 1000]"},
    {"OrnsteinUhlenbeckConfig.dt", "(0, 1000]"},
    {"GaussianNoiseConfig.sigma", "[0, 1000]"},
    {"ObservationNormalizationConfig.clip", "(0, 1000000]"},
    {"ObservationNormalizationConfig.minimum_deviation", "(0, 1000000]"},
    {"LimiterConfig.samples_per_insert", "(0, 1000000]"},
    {"LimiterConfig.tolerance", "(0, 1000000000000]"},
    {"LimiterConfig.max_staleness", "[1, 1000000]"},
    {"EvaluationConfig.every_rounds", "[0, 10000000]"},
    {"EvaluationConfig.episodes", "[1, 10000]"},
    {"ValueNetworkConfig.hidden", "[1, 4096]"},
    {"ValueNetworkConfig.epochs", "[1, 1000]"},
    {"ValueNetworkConfig.minibatch_size", "[1, 1000000]"},
    {"ValueNetworkConfig.learning_rate", "(0, 1]"},
    {"LinearBaselineConfig.ridge", "(0, 1000]"},
    {"SmoothnessConfig.radius", "[1e-12, 1000]"},
    {"SmoothnessConfig.coefficient", "[0, 1000000]"},
    {"SmoothnessConfig.steps", "[0, 1000]"},
    {"SmoothnessConfig.step_size", "(0, 10]"},
    {"MembersConfig.seeds", "[0, inf)"},
    {"MembersConfig.radius", "[1e-12, 1000]"},
    {"MembersConfig.coefficient", "[0, 1000000]"},
    {"MemberConfig.seed", "[0, inf)"},
    {"MemberConfig.radius", "[0, 1000]"},  // 0 without smoothness
    {"MemberConfig.coefficient", "[0, 1000000]"},
    {"TaskConfig.observation_dim", "[1, 10000]"},
    {"TaskConfig.action_dim", "[1, 1000]"},
    {"TaskConfig.frame_skip", "[1, 1000]"},
    {"TaskConfig.step_limit", "[1, 1000000]"},
    {"ActionRange.low", "(-inf, inf)"},
    {"ActionRange.high", "(-inf, inf)"},
    {"ObservationTerm.first", "[0, inf)"},
    {"ObservationTerm.count", "[0, inf)"},
    {"ObservationTerm.clip", "[0, inf)"},
    {"ForwardVelocity.weight", "(-inf, inf)"},
    {"ForwardVelocity.qpos_index", "[0, inf)"},
    {"ForwardVelocity.axis", "[0, 2]"},
    {"ControlCost.weight", "[0, inf)"},
    {"AliveBonus.bonus", "(-inf, inf)"},
    {"ContactCost.weight", "[0, inf)"},
    {"ContactCost.clip", "[0, inf)"},
    {"HealthCondition.first", "[0, inf)"},
    {"HealthCondition.count", "[0, inf)"},
    {"HealthCondition.low", "[-inf, inf]"},
    {"HealthCondition.high", "[-inf, inf]"},
    {"ResetNoise.scale", "[0, inf)"},
    {"GeomFriction.sliding", "[0, inf)"},
};

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_NUMBER_RULES_H_
