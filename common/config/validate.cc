#include "common/config/validate.h"

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/field_rules.h"
#include "common/config/members.h"
#include "common/task/model_files.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr int64_t kMaxPolicyParameters = 8 * 1024 * 1024;
// Of a perturbation's ball; float32 has to resolve the steps in it.
constexpr double kLeastRadius = 1e-12;

absl::Status CheckRounds(const v1::ExperimentConfig& config) {
  if (config.steps_per_round() % config.streams_per_member() == 0) return absl::OkStatus();
  return MustError("steps_per_round",
                   absl::StrCat("be a multiple of streams_per_member (",
                                config.streams_per_member(), ")"),
                   absl::StrCat(config.steps_per_round()));
}

// A policy travels in one message.
absl::Status CheckPolicySize(const v1::ExperimentConfig& config) {
  int64_t parameters = 0;
  int64_t inputs = config.task().observation_dim();
  for (const int width : config.trpo().hidden()) {
    parameters += (inputs + 1) * width;
    inputs = width;
  }
  parameters += (inputs + 1) * config.task().action_dim();
  if (parameters <= kMaxPolicyParameters) return absl::OkStatus();
  return MustError("trpo.hidden",
                   absl::StrCat("give the policy at most ", kMaxPolicyParameters, " parameters"),
                   absl::StrCat(parameters));
}

absl::Status CheckTrpo(const v1::ExperimentConfig& config) {
  const v1::TrpoConfig& trpo = config.trpo();
  if (trpo.minimum_sigma() > trpo.initial_sigma()) {
    return MustError("trpo.minimum_sigma",
                     absl::StrCat("be in (0, trpo.initial_sigma = ",
                                  NumberText(trpo.initial_sigma()), "]"),
                     NumberText(trpo.minimum_sigma()));
  }
  return CheckPolicySize(config);
}

absl::Status CheckSmoothness(const v1::ExperimentConfig& config) {
  if (!config.has_trpo() || config.smoothness().on() == v1::SmoothnessConfig::POLICY) {
    return absl::OkStatus();
  }
  return MustError("smoothness.on", "be POLICY with trpo",
                   v1::SmoothnessConfig::Target_Name(config.smoothness().on()));
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
  SR2L_RETURN_IF_ERROR(CheckRounds(config));
  SR2L_RETURN_IF_ERROR(CheckTrpo(config));
  SR2L_RETURN_IF_ERROR(CheckSmoothness(config));
  SR2L_RETURN_IF_ERROR(CheckMembers(config));
  return CheckAcrossTask(config.task());
}

}  // namespace sr2l
