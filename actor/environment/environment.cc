#include "actor/environment/environment.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/random/philox.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// Raised when MuJoCo finds a bad state; it has then reset the simulation silently.
constexpr mjtWarning kDivergence[] = {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC};

bool AllFinite(const mjtNum* values, int count) {
  return std::all_of(values, values + count, [](mjtNum value) { return std::isfinite(value); });
}

// Adds noise to values[0..count), drawn at lanes first_lane... of `episode`.
void AddNoise(const v1::ResetNoise& noise, const Philox& random, uint64_t episode,
              uint32_t first_lane, int count, mjtNum* values) {
  for (int i = 0; i < count; ++i) {
    const uint32_t lane = first_lane + static_cast<uint32_t>(i);
    const double unit = noise.distribution() == v1::ResetNoise::NORMAL
                            ? random.Normal(episode, lane)
                            : 2 * random.Uniform(episode, lane) - 1;
    values[i] += noise.scale() * unit;
  }
}

template <typename Field>
absl::Status CheckSize(const Field& field, int expected, const char* name) {
  if (field.size() == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("resume token: ", name, " must have ", expected,
                                                 " numbers for this task, got ", field.size()));
}

template <typename Field, typename Number>
absl::Status CheckNumbers(const Field& field, const std::vector<Number>& like, const char* name) {
  return CheckSize(field, static_cast<int>(like.size()), name);
}

}  // namespace

Environment::Environment(std::shared_ptr<const CompiledTask> task, MjDataPtr simulation)
    : task_(std::move(task)),
      simulation_(std::move(simulation)),
      observation_(task_->observer().dim()),
      next_observation_(task_->observer().dim()),
      position_before_(task_->rewarder().num_positions()),
      position_after_(task_->rewarder().num_positions()) {}

absl::StatusOr<std::unique_ptr<Environment>> Environment::Create(const v1::TaskConfig& task) {
  SR2L_ASSIGN_OR_RETURN(auto compiled, CompiledTask::Create(task));
  return Create(std::move(compiled));
}

absl::StatusOr<std::unique_ptr<Environment>> Environment::Create(
    std::shared_ptr<const CompiledTask> task) {
  mjData* simulation = nullptr;
  SR2L_RETURN_IF_ERROR(CallMujoco([&] { simulation = mj_makeData(&task->model()); }));
  if (simulation == nullptr) {
    return absl::ResourceExhaustedError("no memory for a simulation of the task's model");
  }
  return std::unique_ptr<Environment>(new Environment(std::move(task), MjDataPtr(simulation)));
}

void Environment::WriteStart(uint64_t seed, uint32_t stream, uint64_t episode) {
  const int nq = static_cast<int>(model().nq);
  const int nv = static_cast<int>(model().nv);
  const Philox random(seed, Purpose::kReset, stream);
  mj_resetData(&model(), simulation_.get());
  AddNoise(task_->reset().qpos(), random, episode, /*first_lane=*/0, nq, simulation_->qpos);
  // A block of four lanes shares its random words: no block serves both vectors.
  const uint32_t qvel_lane = (static_cast<uint32_t>(nq) + 3) / 4 * 4;
  AddNoise(task_->reset().qvel(), random, episode, qvel_lane, nv, simulation_->qvel);
}

absl::Status Environment::Reset(uint64_t seed, uint32_t stream, uint64_t episode) {
  SR2L_RETURN_IF_ERROR(CallMujoco([&] {
    WriteStart(seed, stream, episode);
    mj_forward(&model(), simulation_.get());
    if (task_->needs_contact_forces()) mj_rnePostConstraint(&model(), simulation_.get());
  }));
  episode_step_ = 0;
  task_->rewarder().ReadPositions(*simulation_, position_before_.data());
  if (!ObserveNext() || HasDiverged()) {
    return absl::FailedPreconditionError(
        "the task's start is not finite: its model or reset noise is at fault");
  }
  observation_.swap(next_observation_);
  return absl::OkStatus();
}

void Environment::StepPhysics() {
  for (int i = 0; i < task_->frame_skip() && !HasDiverged(); ++i) {
    mj_step(&model(), simulation_.get());
  }
  if (task_->needs_contact_forces()) mj_rnePostConstraint(&model(), simulation_.get());
}

bool Environment::HasDiverged() const {
  for (const mjtWarning warning : kDivergence) {
    if (simulation_->warning[warning].number > 0) return true;
  }
  return false;
}

bool Environment::ObserveNext() {
  return task_->observer().Observe(*simulation_, next_observation_.data()) &&
         AllFinite(simulation_->qpos, static_cast<int>(model().nq)) &&
         AllFinite(simulation_->qvel, static_cast<int>(model().nv));
}

absl::StatusOr<StepResult> Environment::Step(const float* action) {
  const bool is_number = task_->action_map().Apply(action, simulation_->ctrl);
  if (is_number) SR2L_RETURN_IF_ERROR(CallMujoco([this] { StepPhysics(); }));
  ++episode_step_;

  StepResult result;
  result.diverged = !is_number || HasDiverged() || !ObserveNext();
  if (!result.diverged) {
    result.terminated = !task_->health().Holds(*simulation_);
    task_->rewarder().ReadPositions(*simulation_, position_after_.data());
    result.reward = task_->rewarder().Reward(*simulation_, position_before_.data(),
                                             position_after_.data(), result.terminated);
    // Rewards travel as float32.
    result.diverged = !std::isfinite(static_cast<float>(result.reward));
  }
  if (result.diverged) {
    result.reward = 0;
    result.terminated = true;
    return result;
  }
  result.truncated = !result.terminated && episode_step_ >= task_->step_limit();
  observation_.swap(next_observation_);
  position_before_.swap(position_after_);
  return result;
}

void Environment::Save(v1::ResumeToken& token) const {
  token.set_episode_step(episode_step_);
  token.set_time(simulation_->time);
  token.mutable_qpos()->Assign(simulation_->qpos, simulation_->qpos + model().nq);
  token.mutable_qvel()->Assign(simulation_->qvel, simulation_->qvel + model().nv);
  token.mutable_act()->Assign(simulation_->act, simulation_->act + model().na);
  token.mutable_qacc_warmstart()->Assign(simulation_->qacc_warmstart,
                                         simulation_->qacc_warmstart + model().nv);
  token.mutable_position_before()->Assign(position_before_.begin(), position_before_.end());
  token.mutable_observation()->Assign(observation_.begin(), observation_.end());
}

absl::Status Environment::Restore(const v1::ResumeToken& token) {
  SR2L_RETURN_IF_ERROR(CheckSize(token.qpos(), static_cast<int>(model().nq), "qpos"));
  SR2L_RETURN_IF_ERROR(CheckSize(token.qvel(), static_cast<int>(model().nv), "qvel"));
  SR2L_RETURN_IF_ERROR(CheckSize(token.act(), static_cast<int>(model().na), "act"));
  SR2L_RETURN_IF_ERROR(
      CheckSize(token.qacc_warmstart(), static_cast<int>(model().nv), "qacc_warmstart"));
  SR2L_RETURN_IF_ERROR(CheckNumbers(token.position_before(), position_before_, "position_before"));
  SR2L_RETURN_IF_ERROR(CheckNumbers(token.observation(), observation_, "observation"));
  SR2L_RETURN_IF_ERROR(CallMujoco([this] { mj_resetData(&model(), simulation_.get()); }));
  // No mj_forward: it would change the warm start, and nothing needs what it computes.
  simulation_->time = token.time();
  std::copy(token.qpos().begin(), token.qpos().end(), simulation_->qpos);
  std::copy(token.qvel().begin(), token.qvel().end(), simulation_->qvel);
  std::copy(token.act().begin(), token.act().end(), simulation_->act);
  std::copy(token.qacc_warmstart().begin(), token.qacc_warmstart().end(),
            simulation_->qacc_warmstart);
  std::copy(token.position_before().begin(), token.position_before().end(),
            position_before_.begin());
  std::copy(token.observation().begin(), token.observation().end(), observation_.begin());
  episode_step_ = token.episode_step();
  return absl::OkStatus();
}

}  // namespace sr2l
