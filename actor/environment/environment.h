#ifndef SR2L_ACTOR_ENVIRONMENT_ENVIRONMENT_H_
#define SR2L_ACTOR_ENVIRONMENT_ENVIRONMENT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "actor/environment/compiled_task.h"
#include "actor/environment/mujoco_call.h"
#include "sr2l/v1/replay.pb.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// What one step led to. At most one of terminated and truncated is true; after either, the
// environment must be reset.
struct StepResult {
  double reward = 0;        // undiscounted
  bool terminated = false;  // by the task's own rule, or because the physics diverged
  bool truncated = false;   // the episode reached the step limit
  bool diverged = false;    // the simulation blew up; implies terminated
};

// One simulation of a task. All its randomness is in Reset. Needs Reset or Restore before
// the first step. Not thread-safe; environments of one task may run on several threads.
// O observation_dim, A action_dim.
//
// A step writes the control once, takes frame_skip physics steps and, where contact forces
// are live and used, computes cfrc_ext. Positions of bodies are not brought up to date with
// qpos after that: rewards and observations see them with the lag of the benchmark tasks.
class Environment {
 public:
  // Loads the model. To make several environments of a task, compile it once.
  static absl::StatusOr<std::unique_ptr<Environment>> Create(const v1::TaskConfig& task);
  static absl::StatusOr<std::unique_ptr<Environment>> Create(
      std::shared_ptr<const CompiledTask> task);

  int observation_dim() const { return task_->observer().dim(); }
  int action_dim() const { return task_->action_map().dim(); }
  const mjModel& model() const { return task_->model(); }
  const mjData& simulation() const { return *simulation_; }

  // Starts an episode: a pure function of the arguments. Fails if the start itself is not
  // finite, or MuJoCo fails.
  absl::Status Reset(uint64_t seed, uint32_t stream, uint64_t episode);

  // `action` [A] is clipped to [-1, 1] and mapped to the actuators' range. When the physics
  // diverges the reward is 0 and the observation stays that of before the step. Fails if
  // MuJoCo fails; the environment must be reset then.
  absl::StatusOr<StepResult> Step(const float* action);

  // What the policy sees now [O]; always finite.
  const std::vector<float>& observation() const { return observation_; }

  // Steps of the episode so far.
  uint32_t episode_step() const { return episode_step_; }

  // The simulation's part of a resume token: all fields but those that a stream counts
  // (next_step, episode, episode_return). Restoring it in any environment of the same task
  // and build continues to the same bits. Restore fails, changing nothing, when sizes do
  // not match the model.
  void Save(v1::ResumeToken& token) const;
  absl::Status Restore(const v1::ResumeToken& token);

 private:
  Environment(std::shared_ptr<const CompiledTask> task, MjDataPtr simulation);

  void WriteStart(uint64_t seed, uint32_t stream, uint64_t episode);
  void StepPhysics();
  bool HasDiverged() const;
  bool ObserveNext();

  const std::shared_ptr<const CompiledTask> task_;
  const MjDataPtr simulation_;
  uint32_t episode_step_ = 0;
  std::vector<float> observation_;       // [O]
  std::vector<float> next_observation_;  // [O], of a step that may turn out to diverge
  std::vector<double> position_before_;  // one per forward velocity
  std::vector<double> position_after_;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_ENVIRONMENT_H_
