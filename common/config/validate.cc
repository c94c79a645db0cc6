#include "common/config/validate.h"

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/field_rules.h"
#include "common/config/members.h"
#include "common/config/save.h"
#include "common/limits/limits.h"
#include "common/status/status_macros.h"
#include "common/task/model_files.h"

namespace sr2l {
namespace {

constexpr int64_t kMaxPolicyParameters = 8 * 1024 * 1024;
// Of one request for samples.
constexpr int64_t kMaxDraws = 10000000;
// Of a perturbation's ball; float32 has to resolve the steps in it.
constexpr double kLeastRadius = 1e-12;

absl::Status CheckMultiple(absl::string_view path, int64_t value, absl::string_view of,
                           int64_t divisor) {
  if (value % divisor == 0) return absl::OkStatus();
  return MustError(path, absl::StrCat("be a multiple of ", of, " (", divisor, ")"),
                   absl::StrCat(value));
}

// Networks travel in one message.
absl::Status CheckNetworkSize(absl::string_view path,
                              const google::protobuf::RepeatedField<int32_t>& hidden,
                              int64_t inputs, int64_t outputs) {
  int64_t parameters = 0;
  for (const int width : hidden) {
    parameters += (inputs + 1) * width;
    inputs = width;
  }
  parameters += (inputs + 1) * outputs;
  if (parameters <= kMaxPolicyParameters) return absl::OkStatus();
  return MustError(path,
                   absl::StrCat("give the network at most ", kMaxPolicyParameters, " parameters"),
                   absl::StrCat(parameters));
}

absl::Status CheckTrpo(const v1::ExperimentConfig& config) {
  const v1::TrpoConfig& trpo = config.trpo();
  if (config.collection() != v1::SYNCHRONOUS) {
    return MustError("collection", "be SYNCHRONOUS with trpo, which learns from its own policy",
                     v1::CollectionMode_Name(config.collection()));
  }
  if (trpo.minimum_sigma() > trpo.initial_sigma()) {
    return MustError("trpo.minimum_sigma",
                     absl::StrCat("be in (0, trpo.initial_sigma = ",
                                  NumberText(trpo.initial_sigma()), "]"),
                     NumberText(trpo.minimum_sigma()));
  }
  SR2L_RETURN_IF_ERROR(CheckMultiple("steps_per_round", config.steps_per_round(),
                                     "streams_per_member", config.streams_per_member()));
  return CheckNetworkSize("trpo.hidden", trpo.hidden(), config.task().observation_dim(),
                          config.task().action_dim());
}

absl::Status CheckExploration(const v1::ExplorationConfig& exploration) {
  const v1::OrnsteinUhlenbeckConfig& noise = exploration.ornstein_uhlenbeck();
  // Beyond that the state overshoots its mean in every step.
  if (!exploration.has_ornstein_uhlenbeck() || noise.theta() * noise.dt() <= 1) {
    return absl::OkStatus();
  }
  return MustError("ddpg.exploration.ornstein_uhlenbeck.theta",
                   absl::StrCat("be at most 1 / dt = ", NumberText(1 / noise.dt())),
                   NumberText(noise.theta()));
}

absl::Status CheckFirstUpdate(const v1::ExperimentConfig& config) {
  const v1::DdpgConfig& ddpg = config.ddpg();
  const int64_t total = int64_t{config.rounds()} * config.steps_per_round();
  if (ddpg.first_update() > ddpg.capacity()) {
    return MustError("ddpg.first_update",
                     absl::StrCat("be at most ddpg.capacity (", ddpg.capacity(), ")"),
                     absl::StrCat(ddpg.first_update()));
  }
  if (ddpg.first_update() > total) {
    return MustError("ddpg.first_update",
                     absl::StrCat("be at most rounds x steps_per_round (", total,
                                  "), or nothing is learned"),
                     absl::StrCat(ddpg.first_update()));
  }
  return absl::OkStatus();
}

absl::Status CheckLimiter(const v1::ExperimentConfig& config) {
  if (config.collection() != v1::FREE_RUNNING) {
    if (!config.has_limiter()) return absl::OkStatus();
    return MustError("limiter", "be absent unless collection is FREE_RUNNING", "one");
  }
  const v1::TableLimits limits = MakeTableLimits(config.ddpg(), config.limiter());
  const int32_t steps = config.ddpg().steps_per_cycle() / config.streams_per_member();
  const double least_tolerance = LeastTolerance(limits, steps);
  if (limits.tolerance() < least_tolerance) {
    return MustError("limiter.tolerance",
                     absl::StrCat("be at least ", NumberText(least_tolerance),
                                  ", with ", limits.samples_per_version(),
                                  " samples per cycle and ",
                                  NumberText(limits.samples_per_insert() * steps),
                                  " per chunk, or actors and learner wait for each other"),
                     NumberText(limits.tolerance()));
  }
  const double most_samples =
      limits.samples_per_insert() *
          (double{1} * config.rounds() * config.steps_per_round() - config.ddpg().first_update()) +
      limits.tolerance();
  if (most_samples < limits.samples_per_version()) {
    return MustError("limiter.samples_per_insert",
                     absl::StrCat("allow the ", limits.samples_per_version(),
                                  " samples of one cycle, or nothing is learned"),
                     NumberText(limits.samples_per_insert()));
  }
  const uint64_t least_staleness = LeastMaxStaleness(limits);
  if (limits.max_staleness() < least_staleness) {
    return MustError("limiter.max_staleness",
                     absl::StrCat("be at least ", least_staleness,
                                  ", the policies that the learner may make within ",
                                  "limiter.tolerance ", NumberText(limits.tolerance()),
                                  " while actors wait"),
                     absl::StrCat(limits.max_staleness()));
  }
  return absl::OkStatus();
}

absl::Status CheckDdpg(const v1::ExperimentConfig& config) {
  const v1::DdpgConfig& ddpg = config.ddpg();
  const int64_t observations = config.task().observation_dim();
  const int64_t actions = config.task().action_dim();
  SR2L_RETURN_IF_ERROR(CheckMultiple("steps_per_round", config.steps_per_round(),
                                     "ddpg.steps_per_cycle", ddpg.steps_per_cycle()));
  SR2L_RETURN_IF_ERROR(CheckMultiple("ddpg.steps_per_cycle", ddpg.steps_per_cycle(),
                                     "streams_per_member", config.streams_per_member()));
  if (ddpg.capacity() < config.streams_per_member()) {
    return MustError("ddpg.capacity",
                     absl::StrCat("be at least streams_per_member (",
                                  config.streams_per_member(), ")"),
                     absl::StrCat(ddpg.capacity()));
  }
  SR2L_RETURN_IF_ERROR(CheckFirstUpdate(config));
  SR2L_RETURN_IF_ERROR(CheckExploration(ddpg.exploration()));
  SR2L_RETURN_IF_ERROR(CheckNetworkSize("ddpg.hidden", ddpg.hidden(), observations, actions));
  SR2L_RETURN_IF_ERROR(
      CheckNetworkSize("ddpg.critic_hidden", ddpg.critic_hidden(), observations + actions, 1));
  if (int64_t{ddpg.updates_per_cycle()} * ddpg.batch_size() > kMaxDraws) {
    return MustError("ddpg.updates_per_cycle",
                     absl::StrCat("be at most ", kMaxDraws / ddpg.batch_size(),
                                  " with ddpg.batch_size ", ddpg.batch_size()),
                     absl::StrCat(ddpg.updates_per_cycle()));
  }
  return CheckLimiter(config);
}

absl::Status CheckAlgorithm(const v1::ExperimentConfig& config) {
  if (config.has_ddpg()) return CheckDdpg(config);
  SR2L_RETURN_IF_ERROR(CheckTrpo(config));
  return CheckLimiter(config);
}

absl::Status CheckSmoothness(const v1::ExperimentConfig& config) {
  const v1::SmoothnessConfig& smoothness = config.smoothness();
  if (config.has_trpo() && smoothness.on() != v1::SmoothnessConfig::POLICY) {
    return MustError("smoothness.on", "be POLICY with trpo",
                     v1::SmoothnessConfig::Target_Name(smoothness.on()));
  }
  if (config.has_ddpg() && smoothness.discount_weighting()) {
    return MustError("smoothness.discount_weighting", "be false with ddpg", "true");
  }
  return absl::OkStatus();
}

// A radius without a smoothness regularizer is a mistake, and so is none with it.
absl::Status CheckMembersFitSmoothness(const v1::ExperimentConfig& config) {
  const v1::MembersConfig& members = config.members();
  const bool smooth = config.has_smoothness();
  if (!smooth && members.radius_size() > 0) {
    return MustError("members.radius", "be empty when smoothness is absent", "a list");
  }
  if (!smooth && members.coefficient_size() > 0) {
    return MustError("members.coefficient", "be empty when smoothness is absent", "a list");
  }
  for (int i = 0; i < members.member_size(); ++i) {
    const v1::MemberConfig& member = members.member(i);
    const std::string path = absl::StrCat("members.member[", i, "]");
    if (smooth && member.has_radius() && member.radius() < kLeastRadius) {
      return MustError(absl::StrCat(path, ".radius"), "be in [1e-12, 1000]",
                       NumberText(member.radius()));
    }
    if (!smooth && member.radius() != 0) {
      return MustError(absl::StrCat(path, ".radius"), "be 0 when smoothness is absent",
                       NumberText(member.radius()));
    }
    if (!smooth && member.coefficient() != 0) {
      return MustError(absl::StrCat(path, ".coefficient"), "be 0 when smoothness is absent",
                       NumberText(member.coefficient()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMembers(const v1::ExperimentConfig& config) {
  const v1::MembersConfig& members = config.members();
  const bool lists =
      members.seeds_size() > 0 || members.radius_size() > 0 || members.coefficient_size() > 0;
  if (lists && members.member_size() > 0) {
    return MustError("members", "have either lists (seeds, radius, coefficient) or member",
                     "both");
  }
  SR2L_RETURN_IF_ERROR(CheckMembersFitSmoothness(config));
  if (CountMembers(config) > kMaxMembers) {
    return MustError("members", absl::StrCat("be at most ", kMaxMembers),
                     absl::StrCat(CountMembers(config)));
  }
  std::set<std::tuple<uint64_t, double, double>> seen;
  for (const v1::MemberConfig& member : ExpandMembers(config)) {
    if (!seen.insert({member.seed(), member.radius(), member.coefficient()}).second) {
      return MustError("members", "differ from each other",
                       absl::StrCat("two with seed ", member.seed(), ", radius ",
                                    NumberText(member.radius()), ", coefficient ",
                                    NumberText(member.coefficient())));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFiles(const v1::TaskConfig& task) {
  size_t bytes = 0;
  std::set<std::string> names;
  for (int i = 0; i < task.files_size(); ++i) {
    const v1::ModelFile& file = task.files(i);
    bytes += file.content().size();
    if (!names.insert(file.name()).second) {
      return MustError(absl::StrCat("task.files[", i, "].name"),
                       "differ from the other files' names", file.name());
    }
    if (IsNameOfRunFolder(file.name())) {
      return MustError(absl::StrCat("task.files[", i, "].name"),
                       "be none that a run's folder has itself, where the model's files lie, too",
                       file.name());
    }
  }
  if (bytes > kMaxModelBytes) {
    return MustError("task.files", absl::StrCat("have at most ", kMaxModelBytes, " bytes in all"),
                     absl::StrCat(bytes));
  }
  if (names.count(task.model()) == 0) {
    return MustError("task.model",
                     absl::StrCat("be the name of one of task.files (", absl::StrJoin(names, ", "),
                                  ")"),
                     task.model());
  }
  return absl::OkStatus();
}

absl::Status CheckRanges(const v1::TaskConfig& task) {
  const v1::ActionRange& range = task.action_range();
  if (task.has_action_range() && range.low() >= range.high()) {
    return MustError("task.action_range.low",
                     absl::StrCat("be < task.action_range.high = ", NumberText(range.high())),
                     NumberText(range.low()));
  }
  for (int i = 0; i < task.health_size(); ++i) {
    const v1::HealthCondition& health = task.health(i);
    if (health.low() >= health.high()) {
      return MustError(absl::StrCat("task.health[", i, "].low"),
                       absl::StrCat("be < its high = ", NumberText(health.high())),
                       NumberText(health.low()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPositions(const v1::TaskConfig& task) {
  for (int i = 0; i < task.reward_size(); ++i) {
    const v1::ForwardVelocity& forward = task.reward(i).forward_velocity();
    if (forward.has_centre_of_mass() && !forward.centre_of_mass()) {
      return MustError(absl::StrCat("task.reward[", i, "].forward_velocity.centre_of_mass"),
                       "be true, or another position be set", "false");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAcrossTask(const v1::TaskConfig& task) {
  if (task.has_builtin()) {
    return MustError("task.builtin", "be resolved before it is validated", task.builtin());
  }
  SR2L_RETURN_IF_ERROR(CheckFiles(task));
  SR2L_RETURN_IF_ERROR(CheckRanges(task));
  return CheckPositions(task);
}

}  // namespace

absl::Status ValidateTask(const v1::TaskConfig& task) {
  SR2L_RETURN_IF_ERROR(CheckFields(task, "task"));
  return CheckAcrossTask(task);
}

absl::Status Validate(const v1::ExperimentConfig& config) {
  SR2L_RETURN_IF_ERROR(CheckFields(config, ""));
  SR2L_RETURN_IF_ERROR(CheckAlgorithm(config));
  SR2L_RETURN_IF_ERROR(CheckSmoothness(config));
  SR2L_RETURN_IF_ERROR(CheckMembers(config));
  return CheckAcrossTask(config.task());
}

}  // namespace sr2l
