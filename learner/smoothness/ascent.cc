#include "learner/smoothness/ascent.h"

#include <algorithm>
#include <cmath>

#include "learner/nn/floats_on_cpu.h"
#include "learner/nn/member_reduce.h"

namespace sr2l {
namespace {

// A projected vector aims this much inside the ball, so that rounding its coordinates to
// float32 (each by at most 2^-24 of itself) cannot carry it out.
constexpr double kInside = 1 - 0x1p-22;

double Length(const float* x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * x[i];
  return std::sqrt(sum);
}

// NaN goes to the lower bound.
void ClampRow(float radius, int64_t count, float* delta) {
  for (int64_t i = 0; i < count; ++i) {
    const float x = delta[i];
    delta[i] = x > -radius ? (x < radius ? x : radius) : -radius;
  }
}

int32_t CountOnBoundary(float radius, int64_t count, const float* delta) {
  int32_t on_boundary = 0;
  for (int64_t i = 0; i < count; ++i) on_boundary += std::fabs(delta[i]) >= radius ? 1 : 0;
  return on_boundary;
}

void ShortenRow(float radius, int64_t count, float* delta) {
  const double length = Length(delta, count);
  if (length <= radius) return;
  const double scale = radius * kInside / length;
  for (int64_t i = 0; i < count; ++i) {
    delta[i] = std::isfinite(length) ? static_cast<float>(delta[i] * scale) : 0.0f;
  }
}

void ProjectRow(BallNorm norm, float radius, int64_t count, float* delta) {
  if (norm == BallNorm::kLinf) {
    ClampRow(radius, count, delta);
  } else {
    ShortenRow(radius, count, delta);
  }
}

void SignStepRow(float step, int64_t count, const float* gradient, float* delta) {
  for (int64_t i = 0; i < count; ++i) {
    const float up = gradient[i] > 0 ? step : 0.0f;
    const float down = gradient[i] < 0 ? step : 0.0f;
    delta[i] += up - down;
  }
}

// What the gradient of one state is multiplied by; 0 where it shows no direction.
double GradientScale(GradientKind kind, const float* gradient, int64_t count) {
  const double length = Length(gradient, count);
  if (!(length > 0) || !std::isfinite(length)) return 0;
  if (kind == GradientKind::kRaw) return 1;
  if (kind == GradientKind::kL2) return std::sqrt(static_cast<double>(count)) / length;
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(gradient[i]));
  return 1.0 / largest;
}

}  // namespace

float InnerRadius(double radius) {
  const float nearest = static_cast<float>(radius);
  return nearest > radius ? std::nextafter(nearest, 0.0f) : nearest;
}

Ascent::Ascent(const SmoothnessOptions& options, int64_t members, torch::Device device,
               torch::Dtype dtype)
    : options_(options),
      radii_(members),
      radius_(torch::zeros({members, 1, 1}, torch::TensorOptions(device).dtype(dtype))),
      low_radius_(torch::zeros_like(radius_)),
      step_(torch::zeros_like(radius_)) {}

void Ascent::SetRadii(const std::vector<float>& radii) {
  radii_ = radii;
  radius_.copy_(torch::tensor(radii, torch::kFloat32).view_as(radius_));
  torch::neg_out(low_radius_, radius_);
  step_.copy_(radius_ * options_.step_size);
}

void Ascent::Step(torch::Tensor& gradient, torch::Tensor& delta) const {
  if (FloatsOnCpu(delta)) {
    StepOnCpu(gradient, delta);
  } else {
    StepByOperators(gradient, delta);
  }
}

void Ascent::StepOnCpu(const torch::Tensor& gradient, torch::Tensor& delta) const {
  const int64_t rows = delta.size(1);
  const int64_t width = delta.size(2);
  for (int64_t m = 0; m < delta.size(0); ++m) {
    const float* g = gradient.data_ptr<float>() + m * rows * width;
    float* d = delta.data_ptr<float>() + m * rows * width;
    const float step = step_.data_ptr<float>()[m];
    if (options_.gradient == GradientKind::kSign) {
      SignStepRow(step, rows * width, g, d);
    } else {
      for (int64_t row = 0; row < rows * width; row += width) {
        const double scale = step * GradientScale(options_.gradient, g + row, width);
        for (int64_t i = row; scale > 0 && i < row + width; ++i) {
          d[i] += static_cast<float>(scale * g[i]);
        }
      }
    }
  }
  Project(delta);
}

void Ascent::StepByOperators(torch::Tensor& gradient, torch::Tensor& delta) const {
  if (options_.gradient == GradientKind::kSign) {
    gradient.sign_();  // 0 of NaN
  } else {
    const torch::Tensor length = gradient.norm(2, {2}, true, torch::kFloat64);
    torch::Tensor scale = torch::ones_like(length);
    if (options_.gradient == GradientKind::kL2) {
      scale = std::sqrt(static_cast<double>(gradient.size(2))) / length;
    } else if (options_.gradient == GradientKind::kMaxNorm) {
      scale = 1 / gradient.abs().amax({2}, true).to(torch::kFloat64);
    }
    const torch::Tensor has_direction = length.isfinite() & (length > 0);
    gradient.copy_(torch::where(has_direction, gradient * scale, torch::zeros_like(scale)));
  }
  delta.addcmul_(gradient, step_);
  Project(delta);
}

void Ascent::Project(torch::Tensor& delta) const {
  const int64_t rows = delta.size(1);
  const int64_t width = delta.size(2);
  if (FloatsOnCpu(delta)) {
    for (int64_t m = 0; m < delta.size(0); ++m) {
      float* d = delta.data_ptr<float>() + m * rows * width;
      const int64_t at_once = options_.norm == BallNorm::kLinf ? rows * width : width;
      for (int64_t i = 0; i < rows * width; i += at_once) {
        ProjectRow(options_.norm, radii_[m], at_once, d + i);
      }
    }
  } else if (options_.norm == BallNorm::kLinf) {
    torch::clamp_out(delta, delta, low_radius_, radius_);
  } else {
    const torch::Tensor length = delta.norm(2, {2}, true, torch::kFloat64);
    const torch::Tensor scale =
        torch::where(length > radius_, radius_ * kInside / length, torch::ones_like(length));
    delta.copy_(torch::where(length.isfinite(), delta * scale, torch::zeros_like(scale)));
  }
}

void Ascent::BoundaryShare(const torch::Tensor& delta, torch::Tensor& share) const {
  if (options_.norm == BallNorm::kL2) {
    const torch::Tensor length = delta.norm(2, {2}, false, torch::kFloat64);
    share.copy_(MemberMean((length >= radius_.squeeze(2) * (1 - 0x1p-20)).to(torch::kFloat32)));
  } else if (!FloatsOnCpu(delta)) {
    share.copy_(MemberMean((delta.abs() >= radius_).to(torch::kFloat32)));
  } else {
    const int64_t count = delta.size(1) * delta.size(2);
    for (int64_t m = 0; m < delta.size(0); ++m) {
      const float* d = delta.data_ptr<float>() + m * count;
      share.data_ptr<double>()[m] =
          static_cast<double>(CountOnBoundary(radii_[m], count, d)) / static_cast<double>(count);
    }
  }
}

}  // namespace sr2l
