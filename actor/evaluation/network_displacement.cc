#include "actor/evaluation/network_displacement.h"

namespace sr2l {
namespace {

using ConstRow = Eigen::Map<const Eigen::VectorXf>;

}  // namespace

NetworkDisplacement::NetworkDisplacement(const Mlp& network) : network_(network) {
  for (const Mlp::Layer& layer : network.layers()) {
    const Eigen::VectorXf zero = Eigen::VectorXf::Zero(layer.bias.size());
    layers_.push_back({.origin_sum = zero,
                       .origin = zero,
                       .moved_sum = zero,
                       .moved = zero,
                       .slope = zero,
                       .cotangent = zero});
  }
}

void NetworkDisplacement::SetOrigin(const float* inputs) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Mlp::Layer& layer = network_.layers()[i];
    LayerState& state = layers_[i];
    if (i == 0) {
      state.origin_sum.noalias() = layer.weight * ConstRow(inputs, network_.inputs());
    } else {
      state.origin_sum.noalias() = layer.weight * layers_[i - 1].origin;
    }
    state.origin_sum += layer.bias;
    if (layer.activation == v1::TANH) {
      state.origin = state.origin_sum.array().tanh();
    } else if (layer.activation == v1::RELU) {
      state.origin = state.origin_sum.cwiseMax(0.0f);
    } else {
      state.origin = state.origin_sum;
    }
  }
}

// With sums x at s and x + d at s + delta:
//   tanh(x + d) - tanh(x) = tanh(d) (1 - tanh(x) tanh(x + d)),
// and where a rectifier is active at both ends its outputs differ by d itself.
void NetworkDisplacement::MoveActivation(v1::Activation activation, const LayerState& state,
                                         const Eigen::Ref<const Eigen::VectorXf>& moved_sum,
                                         Eigen::Ref<Eigen::VectorXf> moved,
                                         Eigen::Ref<Eigen::VectorXf> slope) {
  const auto sum = state.origin_sum.array() + moved_sum.array();
  if (activation == v1::TANH) {
    slope = sum.tanh();
    moved = moved_sum.array().tanh() * (1.0f - state.origin.array() * slope.array());
    slope = 1.0f - slope.array().square();
  } else if (activation == v1::RELU) {
    slope = (sum > 0.0f).cast<float>();
    moved = (slope.array() * state.origin.array() > 0.0f)
                .select(moved_sum.array(), sum.max(0.0f) - state.origin.array());
  } else {
    slope.setOnes();
    moved = moved_sum;
  }
}

void NetworkDisplacement::MoveTo(const float* delta) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Mlp::Layer& layer = network_.layers()[i];
    LayerState& state = layers_[i];
    if (i == 0) {
      state.moved_sum.noalias() = layer.weight * ConstRow(delta, network_.inputs());
    } else {
      state.moved_sum.noalias() = layer.weight * layers_[i - 1].moved;
    }
    MoveActivation(layer.activation, state, state.moved_sum, state.moved, state.slope);
  }
}

const Eigen::MatrixXf& NetworkDisplacement::Differences(const Eigen::MatrixXf& deltas) {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Mlp::Layer& layer = network_.layers()[i];
    batch_sums_.noalias() = layer.weight * (i == 0 ? deltas : batch_moves_);
    batch_slopes_.resizeLike(batch_sums_);
    batch_moves_.resizeLike(batch_sums_);
    for (Eigen::Index column = 0; column < deltas.cols(); ++column) {
      MoveActivation(layer.activation, layers_[i], batch_sums_.col(column),
                     batch_moves_.col(column), batch_slopes_.col(column));
    }
  }
  return batch_moves_;
}

void NetworkDisplacement::Gradient(const Eigen::VectorXf& cotangent, float* gradient) {
  LayerState& last = layers_.back();
  last.cotangent = cotangent.cwiseProduct(last.slope);
  for (size_t i = layers_.size() - 1; i > 0; --i) {
    LayerState& before = layers_[i - 1];
    before.cotangent.noalias() = network_.layers()[i].weight.transpose() * layers_[i].cotangent;
    before.cotangent.array() *= before.slope.array();
  }
  Eigen::Map<Eigen::VectorXf>(gradient, network_.inputs()).noalias() =
      network_.layers()[0].weight.transpose() * layers_[0].cotangent;
}

}  // namespace sr2l
