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

// What disturbs the policy's observation most, as far as a short search finds it: for a state
// s (as the network sees it, normalized) and a ball of radius r around it in the maximum norm,
// the point of the largest D that is passed by ten steps of
//   delta <- clip(delta + 0.2 r sign(grad D), -r, r)
// from each of two starts: a given point of the ball, as in training, and the worst of
// kCorners corners of the ball. D is how far the policy moves,
//   Gaussian: Jeffreys divergence sum_i (mu_i(s) - mu_i(s + delta))^2 / (2 sigma_i^2)
//   deterministic: sum_i (mu_i(s) - mu_i(s + delta))^2.
// Steps from the given start alone would do where the policy is close to linear. But where its
// actions saturate the gradient leads into the next flat stretch, and at radii of 0.3 and more
// a thousand random points hold a worse one than it finds. The corners are the same at every
// state, so what is found depends on the arguments alone.
// Not thread-safe. O observation_dim.
class Adversary {
 public:
  enum class Objective {
    kDivergence,  // D
    kDistance,    // the deterministic D, whatever the policy
  };

  static constexpr int kCorners = 64;

  struct Ascent {
    double start_value = 0;        // D at the given start
    double value = 0;              // D at the end, at least that at the start
    uint32_t boundary_inputs = 0;  // coordinates on the ball's boundary
  };

  // `policy` is borrowed.
  Adversary(const Policy& policy, Objective objective);

  // Whether both objectives differ by a factor alone, and so lead to the same ascent.
  static bool ObjectivesAgree(const Policy& policy);

  // From `delta` [O], a point of the ball, to the worst one found. `state` [O].
  Ascent Maximize(const float* state, double radius, float* delta);

  // As it stands after the last Maximize: mu(s + delta) - mu(s), [A].
  const Eigen::VectorXf& difference() const { return displacement_.difference(); }

 private:
  // D where the displacement stands.
  double Value() const;

  // Moves the displacement to `delta` and returns D there; keeps what is worse than `worst_`.
  double Visit(const float* delta);

  // Ten steps from `delta`, which is moved along. Returns D at the start.
  double Climb(float bound, float* delta);

  // Fills `delta` with the worst of the corners of the ball of radius `bound`.
  void MoveToWorstCorner(float bound, float* delta);

  const int inputs_;
  const Eigen::VectorXd weights_;           // [A], of the squared differences in D
  const Eigen::VectorXf relative_weights_;  // [A], the largest is 1: signs need no more
  const Eigen::MatrixXf unit_corners_;      // [O, kCorners], -1 or 1
  NetworkDisplacement displacement_;
  Eigen::VectorXf cotangent_;    // [A]
  std::vector<float> gradient_;  // [O], of D but for a factor
  Eigen::MatrixXf corners_;      // [O, kCorners], of the ball
  std::vector<float> worst_;     // [O], found so far
  double worst_value_ = 0;       // D there
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_ADVERSARY_H_
