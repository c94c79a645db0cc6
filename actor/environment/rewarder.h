#ifndef SR2L_ACTOR_ENVIRONMENT_REWARDER_H_
#define SR2L_ACTOR_ENVIRONMENT_REWARDER_H_

#include <mujoco/mujoco.h>

#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// What a step of a task earns: the sum of its reward terms, in their order. Immutable.
class Rewarder {
 public:
  // Errors name the field. `model` is borrowed and must outlive the result.
  static absl::StatusOr<Rewarder> Create(const v1::TaskConfig& task, const mjModel& model);

  // Number of forward velocities P.
  int num_positions() const { return num_positions_; }

  // Whether cfrc_ext is looked at.
  bool sees_contact_forces() const { return sees_contact_forces_; }

  // Writes the positions [P] whose change is rewarded, as the simulation now holds them.
  // (Of a body: where the engine last computed it, which lags behind qpos by part of a
  // physics step, as in the benchmark tasks.)
  void ReadPositions(const mjData& simulation, double* positions) const;

  // The reward of a step that led from positions `before` to `after` [P].
  double Reward(const mjData& simulation, const double* before, const double* after,
                bool terminated) const;

 private:
  struct Velocity {
    enum class Of { kCoordinate, kBody, kCentreOfMass };
    double weight = 0;
    Of of = Of::kCoordinate;
    int index = 0;  // of the coordinate or the body
    int axis = 0;   // of the world
  };
  struct ControlCost {
    double weight = 0;
  };
  struct AliveBonus {
    double bonus = 0;
  };
  struct ContactCost {
    double weight = 0;
    double clip = 0;  // 0: none
  };
  using Term = std::variant<Velocity, ControlCost, AliveBonus, ContactCost>;

  explicit Rewarder(const mjModel& model) : model_(&model) {}

  absl::StatusOr<Term> MakeTerm(const v1::RewardTerm& config, const std::string& field) const;
  absl::StatusOr<Velocity> MakeVelocity(const v1::ForwardVelocity& config,
                                        const std::string& field) const;
  double Position(const mjData& simulation, const Velocity& velocity) const;
  double SquaredControls(const mjData& simulation) const;
  double SquaredContactForces(const mjData& simulation, double clip) const;

  const mjModel* model_;
  std::vector<Term> terms_;
  double step_seconds_ = 0;
  bool alive_on_termination_ = true;
  bool sees_contact_forces_ = false;
  int num_positions_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_ENVIRONMENT_REWARDER_H_
