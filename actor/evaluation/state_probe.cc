#include "actor/evaluation/state_probe.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace sr2l {
namespace {

double Length(const std::vector<float>& values) {
  return Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size()))
      .cast<double>()
      .norm();
}

double Ratio(const Eigen::VectorXf& difference, const std::vector<float>& delta) {
  const double length = Length(delta);
  return length > 0 ? difference.cast<double>().norm() / length : 0;
}

// From the smaller of the two Gram matrices.
double LargestSingularValue(const Eigen::MatrixXd& matrix) {
  const Eigen::MatrixXd gram = matrix.rows() < matrix.cols()
                                   ? Eigen::MatrixXd(matrix * matrix.transpose())
                                   : Eigen::MatrixXd(matrix.transpose() * matrix);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram, Eigen::EigenvaluesOnly);
  return std::sqrt(std::max(0.0, solver.eigenvalues().maxCoeff()));
}

}  // namespace

StateProber::StateProber(const Policy& policy)
    : policy_(policy),
      one_ascent_(Adversary::ObjectivesAgree(policy)),
      adversary_(policy, Adversary::Objective::kDivergence),
      distance_adversary_(policy, Adversary::Objective::kDistance),
      displacement_(policy.network()),
      worst_(policy.observation_dim()),
      farthest_(policy.observation_dim()),
      jacobian_(policy.observation_dim(), policy.action_dim()) {}

StateProbe StateProber::Probe(const float* state, double radius, const std::vector<float>& start) {
  worst_ = start;
  const Adversary::Ascent ascent = adversary_.Maximize(state, radius, worst_.data());
  StateProbe probe;
  probe.local_lipschitz = LocalLipschitz(state, radius, start);
  probe.divergence = ascent.value;
  probe.start_divergence = ascent.start_value;
  probe.boundary_share = ascent.boundary_inputs / static_cast<double>(worst_.size());
  MeasureJacobian(state, probe);
  return probe;
}

double StateProber::LocalLipschitz(const float* state, double radius,
                                   const std::vector<float>& start) {
  if (one_ascent_) return Ratio(adversary_.difference(), worst_);
  farthest_ = start;
  distance_adversary_.Maximize(state, radius, farthest_.data());
  return Ratio(distance_adversary_.difference(), farthest_);
}

void StateProber::MeasureJacobian(const float* state, StateProbe& probe) {
  std::fill(farthest_.begin(), farthest_.end(), 0.0f);
  displacement_.SetOrigin(state);
  displacement_.MoveTo(farthest_.data());
  Eigen::VectorXf unit = Eigen::VectorXf::Zero(policy_.action_dim());
  for (Eigen::Index i = 0; i < unit.size(); ++i) {
    unit[i] = 1;
    displacement_.Gradient(unit, jacobian_.col(i).data());
    unit[i] = 0;
  }
  const Eigen::MatrixXd exact = jacobian_.cast<double>();
  probe.jacobian_spectral = LargestSingularValue(exact);
  probe.jacobian_frobenius = exact.norm();
}

}  // namespace sr2l
