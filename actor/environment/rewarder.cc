#include "actor/environment/rewarder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "actor/environment/model_names.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

absl::Status CheckNotNegative(double value, const std::string& field) {
  if (value >= 0 && std::isfinite(value)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " must be finite and >= 0, got ", value));
}

absl::Status CheckFinite(double value, const std::string& field) {
  if (std::isfinite(value)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " must be finite, got ", value));
}

}  // namespace

absl::StatusOr<Rewarder> Rewarder::Create(const v1::TaskConfig& task, const mjModel& model) {
  Rewarder rewarder(model);
  rewarder.step_seconds_ = model.opt.timestep * task.frame_skip();
  rewarder.alive_on_termination_ = task.alive_on_termination();
  if (task.reward_size() == 0) {
    return absl::InvalidArgumentError("task.reward must have at least one term, got none");
  }
  for (int i = 0; i < task.reward_size(); ++i) {
    SR2L_ASSIGN_OR_RETURN(const Term term,
                          rewarder.MakeTerm(task.reward(i), absl::StrCat("task.reward[", i, "]")));
    if (std::holds_alternative<Velocity>(term)) ++rewarder.num_positions_;
    if (std::holds_alternative<ContactCost>(term)) {
      // Zero forces cost nothing.
      if (task.contact_forces() != v1::LIVE) continue;
      rewarder.sees_contact_forces_ = true;
    }
    rewarder.terms_.push_back(term);
  }
  return rewarder;
}

absl::StatusOr<Rewarder::Term> Rewarder::MakeTerm(const v1::RewardTerm& config,
                                                  const std::string& field) const {
  switch (config.term_case()) {
    case v1::RewardTerm::kForwardVelocity: {
      SR2L_ASSIGN_OR_RETURN(const Velocity velocity,
                            MakeVelocity(config.forward_velocity(), field + ".forward_velocity"));
      return velocity;
    }
    case v1::RewardTerm::kControlCost:
      SR2L_RETURN_IF_ERROR(
          CheckNotNegative(config.control_cost().weight(), field + ".control_cost.weight"));
      return ControlCost{config.control_cost().weight()};
    case v1::RewardTerm::kAliveBonus:
      SR2L_RETURN_IF_ERROR(CheckFinite(config.alive_bonus().bonus(), field + ".alive_bonus.bonus"));
      return AliveBonus{config.alive_bonus().bonus()};
    case v1::RewardTerm::kContactCost:
      SR2L_RETURN_IF_ERROR(
          CheckNotNegative(config.contact_cost().weight(), field + ".contact_cost.weight"));
      SR2L_RETURN_IF_ERROR(
          CheckNotNegative(config.contact_cost().clip(), field + ".contact_cost.clip"));
      return ContactCost{config.contact_cost().weight(), config.contact_cost().clip()};
    case v1::RewardTerm::TERM_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      field, " must be one of forward_velocity, control_cost, alive_bonus, contact_cost"));
}

absl::StatusOr<Rewarder::Velocity> Rewarder::MakeVelocity(const v1::ForwardVelocity& config,
                                                          const std::string& field) const {
  SR2L_RETURN_IF_ERROR(CheckFinite(config.weight(), field + ".weight"));
  if (config.axis() < 0 || config.axis() > 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ".axis must be in [0, 2], got ", config.axis()));
  }
  Velocity velocity = {.weight = config.weight(), .axis = config.axis()};
  switch (config.position_case()) {
    case v1::ForwardVelocity::kQposIndex:
      if (config.qpos_index() < 0 || config.qpos_index() >= model_->nq) {
        return absl::InvalidArgumentError(absl::StrCat(
            field, ".qpos_index must be in [0, ", model_->nq - 1, "], got ", config.qpos_index()));
      }
      velocity.of = Velocity::Of::kCoordinate;
      velocity.index = config.qpos_index();
      return velocity;
    case v1::ForwardVelocity::kBody: {
      SR2L_ASSIGN_OR_RETURN(velocity.index,
                            FindByName(*model_, mjOBJ_BODY, config.body(), field + ".body"));
      velocity.of = Velocity::Of::kBody;
      return velocity;
    }
    case v1::ForwardVelocity::kCentreOfMass:
      if (!config.centre_of_mass()) break;
      velocity.of = Velocity::Of::kCentreOfMass;
      return velocity;
    case v1::ForwardVelocity::POSITION_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(field, " must have one of qpos_index, body, centre_of_mass: true"));
}

double Rewarder::Position(const mjData& simulation, const Velocity& velocity) const {
  switch (velocity.of) {
    case Velocity::Of::kCoordinate:
      return simulation.qpos[velocity.index];
    case Velocity::Of::kBody:
      return simulation.xpos[3 * velocity.index + velocity.axis];
    case Velocity::Of::kCentreOfMass:
      break;
  }
  double mass = 0;
  double moment = 0;
  for (int body = 0; body < model_->nbody; ++body) {
    mass += model_->body_mass[body];
    moment += model_->body_mass[body] * simulation.xipos[3 * body + velocity.axis];
  }
  return moment / mass;
}

void Rewarder::ReadPositions(const mjData& simulation, double* positions) const {
  for (const Term& term : terms_) {
    if (const auto* velocity = std::get_if<Velocity>(&term)) {
      *positions++ = Position(simulation, *velocity);
    }
  }
}

double Rewarder::SquaredControls(const mjData& simulation) const {
  double sum = 0;
  for (int i = 0; i < model_->nu; ++i) sum += simulation.ctrl[i] * simulation.ctrl[i];
  return sum;
}

double Rewarder::SquaredContactForces(const mjData& simulation, double clip) const {
  double sum = 0;
  for (int i = 0; i < 6 * model_->nbody; ++i) {
    double force = simulation.cfrc_ext[i];
    if (clip > 0) force = std::clamp(force, -clip, clip);
    sum += force * force;
  }
  return sum;
}

double Rewarder::Reward(const mjData& simulation, const double* before, const double* after,
                        bool terminated) const {
  double reward = 0;
  for (const Term& term : terms_) {
    if (const auto* velocity = std::get_if<Velocity>(&term)) {
      reward += velocity->weight * ((*after++ - *before++) / step_seconds_);
    } else if (const auto* control = std::get_if<ControlCost>(&term)) {
      reward -= control->weight * SquaredControls(simulation);
    } else if (const auto* alive = std::get_if<AliveBonus>(&term)) {
      if (!terminated || alive_on_termination_) reward += alive->bonus;
    } else if (const auto* contact = std::get_if<ContactCost>(&term)) {
      reward -= contact->weight * SquaredContactForces(simulation, contact->clip);
    }
  }
  return reward;
}

}  // namespace sr2l
