#ifndef SR2L_ACTOR_EVALUATION_NETWORK_DISPLACEMENT_H_
#define SR2L_ACTOR_EVALUATION_NETWORK_DISPLACEMENT_H_

#include <Eigen/Core>
#include <vector>

#include "common/policy/mlp.h"

namespace sr2l {

// How far a network's outputs move when its inputs do. The difference f(s + delta) - f(s)
// is formed layer by layer without subtracting outputs, so it and its gradient stay precise
// however small delta is, and at delta = 0 both are exactly 0. Allocates nothing after
// construction and the first Differences. Not thread-safe. I inputs, O outputs.
class NetworkDisplacement {
 public:
  // Borrows the network.
  explicit NetworkDisplacement(const Mlp& network);

  // The state s [I].
  void SetOrigin(const float* inputs);

  // To s + delta; `delta` [I].
  void MoveTo(const float* delta);

  // f(s + delta) - f(s) of the last MoveTo, [O].
  const Eigen::VectorXf& difference() const { return layers_.back().moved; }

  // f(s + delta) - f(s) for every column delta of `deltas` [I, N], as the columns of [O, N];
  // to the rounding of float32 what MoveTo finds one by one, which it leaves where it is, and
  // several times faster. Stands until the next call.
  const Eigen::MatrixXf& Differences(const Eigen::MatrixXf& deltas);

  // Fills `gradient` [I] with that of <cotangent, f> at s + delta of the last MoveTo;
  // `cotangent` [O].
  void Gradient(const Eigen::VectorXf& cotangent, float* gradient);

 private:
  // One layer at s and at s + delta. All [out] of the layer.
  struct LayerState {
    Eigen::VectorXf origin_sum;  // weight * input + bias at s
    Eigen::VectorXf origin;      // its activation
    Eigen::VectorXf moved_sum;   // what delta adds to the sum
    Eigen::VectorXf moved;       // what delta adds to the activation
    Eigen::VectorXf slope;       // of the activation at s + delta
    Eigen::VectorXf cotangent;
  };

  // `moved` and `slope` from `moved_sum`, all [out] of the layer whose origin is that of `state`.
  static void MoveActivation(v1::Activation activation, const LayerState& state,
                             const Eigen::Ref<const Eigen::VectorXf>& moved_sum,
                             Eigen::Ref<Eigen::VectorXf> moved,
                             Eigen::Ref<Eigen::VectorXf> slope);

  const Mlp& network_;
  std::vector<LayerState> layers_;
  // Of Differences, [out, N] of the layer it is at.
  Eigen::MatrixXf batch_sums_;
  Eigen::MatrixXf batch_slopes_;
  Eigen::MatrixXf batch_moves_;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_NETWORK_DISPLACEMENT_H_
