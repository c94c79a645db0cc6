#ifndef SR2L_ACTOR_EVALUATION_ADVERSARY_H_
#define SR2L_ACTOR_EVALUATION_ADVERSARY_H_

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "actor/evaluation/network_displacement.h"
#include "common/policy/policy.h"

namespace sr2l {

// The largest float32 that is not above `radius`, so that a float32 disturbance never
// leaves the ball that was asked for. `radius` >= 0 and at most the largest float32.
float InnerRadius(double radius);

// A point of the ball around 0 in the maximum norm, uniform by coordinate. `unit` [O] in
// [0, 1), `delta` [O].
void PointInBall(const std::vector<double>& unit, double radius, float* delta);

// What disturbs the policy's observation most: for a state s (as the network sees it,
// normalized) and a ball of radius r around it in the maximum norm, ten steps of
//   delta <- clip(delta + 0.2 r sign(grad D), -r, r)
// from a given start, as in training. D is how far the policy moves,
//   Gaussian: Jeffreys divergence sum_i (mu_i(s) - mu_i(s + delta))^2 / (2 sigma_i^2)
//   deterministic: sum_i (mu_i(s) - mu_i(s + delta))^2.
// Not thread-safe. O observation_dim.
class Adversary {
 public:
  enum class Objective {
    kDivergence,  // D
    kDistance,    // the deterministic D, whatever the policy
  };

  struct Ascent {
    double start_value = 0;        // D at the start
    double value = 0;              // D at the end
    uint32_t boundary_inputs = 0;  // coordinates on the ball's boundary
  };

  // `policy` is borrowed.
  Adversary(const Policy& policy, Objective objective);

  // Whether both objectives differ by a factor alone, and so lead to the same ascent.
  static bool ObjectivesAgree(const Policy& policy);

  // From `delta` [O], a point of the ball, to where the ascent ends. `state` [O].
  Ascent Maximize(const float* state, double radius, float* delta);

  // As it stands after the last Maximize: mu(s + delta) - mu(s), [A].
  const Eigen::VectorXf& difference() const { return displacement_.difference(); }

 private:
  // D where the displacement stands.
  double Value() const;

  const int inputs_;
  const Eigen::VectorXd weights_;           // [A], of the squared differences in D
  const Eigen::VectorXf relative_weights_;  // [A], the largest is 1: signs need no more
  NetworkDisplacement displacement_;
  Eigen::VectorXf cotangent_;    // [A]
  std::vector<float> gradient_;  // [O], of D but for a factor
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_ADVERSARY_H_
