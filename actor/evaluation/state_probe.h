#ifndef SR2L_ACTOR_EVALUATION_STATE_PROBE_H_
#define SR2L_ACTOR_EVALUATION_STATE_PROBE_H_

#include <vector>

#include "actor/evaluation/adversary.h"
#include "actor/evaluation/network_displacement.h"
#include "common/policy/policy.h"

namespace sr2l {

// How a policy's mean mu behaves around one state s, which is the observation as the
// network sees it. Balls are in the maximum norm; lengths are Euclidean. A plain value.
struct StateProbe {
  // |mu(s + delta) - mu(s)| / |delta| where an ascent of |mu(s + delta) - mu(s)| ends.
  double local_lipschitz = 0;
  double jacobian_spectral = 0;   // largest singular value of dmu/ds
  double jacobian_frobenius = 0;  // square root of the sum of its squares
  double divergence = 0;          // D where the adversary's ascent ends
  double start_divergence = 0;    // D where it starts
  double boundary_share = 0;      // of its coordinates at the end, on the ball's boundary
};

// Measures one policy. Not thread-safe. O observation_dim.
class StateProber {
 public:
  // `policy` is borrowed.
  explicit StateProber(const Policy& policy);

  // `state` [O]; both ascents go from `start` [O], a point of the ball. `radius` > 0.
  StateProbe Probe(const float* state, double radius, const std::vector<float>& start);

  // What the adversary of the last Probe found, [O].
  const std::vector<float>& worst() const { return worst_; }

 private:
  double LocalLipschitz(const float* state, double radius, const std::vector<float>& start);
  void MeasureJacobian(const float* state, StateProbe& probe);

  const Policy& policy_;
  const bool one_ascent_;  // serves both
  Adversary adversary_;
  Adversary distance_adversary_;
  NetworkDisplacement displacement_;
  std::vector<float> worst_;     // [O]
  std::vector<float> farthest_;  // [O]
  Eigen::MatrixXf jacobian_;     // [O, A]: dmu/ds, transposed
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_STATE_PROBE_H_
