#include "actor/evaluation/adversary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/random/philox.h"

namespace sr2l {
namespace {

constexpr int kSteps = 10;
constexpr float kStepSize = 0.2f;  // of the radius

Eigen::VectorXd WeightsOf(const Policy& policy, Adversary::Objective objective) {
  Eigen::VectorXd weights = Eigen::VectorXd::Ones(policy.action_dim());
  if (policy.is_gaussian() && objective == Adversary::Objective::kDivergence) {
    for (int i = 0; i < policy.action_dim(); ++i) {
      // A sigma that underflowed to 0 counts as the smallest above it.
      const double sigma = std::max(policy.sigma()[i], std::numeric_limits<float>::denorm_min());
      weights[i] = 1 / (2 * sigma * sigma);
    }
  }
  return weights;
}

float Sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f; }

// Corners of the unit ball, drawn once and for all: [inputs, count].
Eigen::MatrixXf DrawCorners(int inputs, int count) {
  const Philox draws(/*seed=*/0, Purpose::kPerturbation);
  std::vector<double> unit(static_cast<size_t>(inputs));
  Eigen::MatrixXf corners(inputs, count);
  for (int corner = 0; corner < count; ++corner) {
    draws.FillUniform(corner, static_cast<uint32_t>(inputs), unit.data());
    for (int i = 0; i < inputs; ++i) corners(i, corner) = unit[i] < 0.5 ? -1.0f : 1.0f;
  }
  return corners;
}

}  // namespace

float InnerRadius(double radius) {
  const float nearest = static_cast<float>(radius);
  return nearest > radius ? std::nextafter(nearest, 0.0f) : nearest;
}

void PointInBall(const std::vector<double>& unit, double radius, float* delta) {
  const float bound = InnerRadius(radius);
  for (size_t i = 0; i < unit.size(); ++i) {
    delta[i] = std::clamp(static_cast<float>(radius * (2 * unit[i] - 1)), -bound, bound);
  }
}

Adversary::Adversary(const Policy& policy, Objective objective)
    : inputs_(policy.observation_dim()),
      weights_(WeightsOf(policy, objective)),
      relative_weights_((weights_ / weights_.maxCoeff()).cast<float>()),
      unit_corners_(DrawCorners(policy.observation_dim(), kCorners)),
      displacement_(policy.network()),
      cotangent_(policy.action_dim()),
      gradient_(policy.observation_dim()),
      worst_(policy.observation_dim()) {}

bool Adversary::ObjectivesAgree(const Policy& policy) {
  const std::vector<float>& sigma = policy.sigma();
  return std::all_of(sigma.begin(), sigma.end(),
                     [&sigma](float other) { return other == sigma.front(); });
}

double Adversary::Value() const {
  const auto difference = displacement_.difference().cast<double>().array();
  return (difference.square() * weights_.array()).sum();
}

double Adversary::Visit(const float* delta) {
  displacement_.MoveTo(delta);
  const double value = Value();
  if (value > worst_value_) {
    worst_value_ = value;
    worst_.assign(delta, delta + inputs_);
  }
  return value;
}

double Adversary::Climb(float bound, float* delta) {
  const float step = kStepSize * bound;
  const double start_value = Visit(delta);
  for (int i = 0; i < kSteps; ++i) {
    cotangent_ = displacement_.difference().cwiseProduct(relative_weights_);
    displacement_.Gradient(cotangent_, gradient_.data());
    for (int j = 0; j < inputs_; ++j) {
      delta[j] = std::clamp(delta[j] + step * Sign(gradient_[j]), -bound, bound);
    }
    Visit(delta);
  }
  return start_value;
}

void Adversary::MoveToWorstCorner(float bound, float* delta) {
  corners_.noalias() = bound * unit_corners_;
  const Eigen::MatrixXf& differences = displacement_.Differences(corners_);
  Eigen::Index worst = 0;
  (weights_.transpose() * differences.cast<double>().cwiseAbs2()).maxCoeff(&worst);
  std::copy_n(corners_.col(worst).data(), inputs_, delta);
}

Adversary::Ascent Adversary::Maximize(const float* state, double radius, float* delta) {
  const float bound = InnerRadius(radius);
  displacement_.SetOrigin(state);
  worst_value_ = 0;
  worst_.assign(delta, delta + inputs_);
  Ascent ascent;
  ascent.start_value = Climb(bound, delta);
  MoveToWorstCorner(bound, delta);
  Climb(bound, delta);
  std::copy(worst_.begin(), worst_.end(), delta);
  displacement_.MoveTo(delta);
  ascent.value = worst_value_;
  ascent.boundary_inputs = static_cast<uint32_t>(
      std::count_if(delta, delta + inputs_, [bound](float x) { return std::fabs(x) >= bound; }));
  return ascent;
}

}  // namespace sr2l
