#include "learner/smoothness/perturbation.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "common/random/philox.h"

namespace sr2l {
namespace {

// Elements that one stream of random numbers serves; Philox tells 2^24 lanes apart.
constexpr int64_t kLanes = int64_t{1} << 24;

[[noreturn]] void Refuse(const std::string& name, double value) {
  throw std::invalid_argument(name + " must be positive and finite, got " +
                              std::to_string(value));
}

}  // namespace

Perturbation::Perturbation(const SmoothnessOptions& options, const PerturbationSize& size,
                           torch::Device device, torch::Dtype dtype)
    : options_(options),
      size_(size),
      uniform_(std::min(kLanes, size.rows * size.inputs)),
      drawn_(torch::empty({0, size.members, size.rows, size.inputs}, torch::kFloat32)),
      starts_(drawn_),
      ascent_(options, size.members, device, dtype),
      delta_(torch::empty({size.members, size.rows, size.inputs},
                          torch::TensorOptions(device).dtype(dtype))),
      gradient_(torch::empty_like(delta_)),
      start_value_(torch::empty({size.members, size.rows}, delta_.options())),
      value_(torch::empty_like(start_value_)),
      boundary_share_(torch::empty({size.members}, delta_.options().dtype(torch::kFloat64))) {}

void Perturbation::Check(const SmoothnessOptions& options,
                         const std::vector<PerturbationMember>& members) {
  if (options.steps < 0) {
    throw std::invalid_argument("a perturbation's steps must be >= 0, got " +
                                std::to_string(options.steps));
  }
  if (!(options.step_size > 0) || !std::isfinite(options.step_size)) {
    Refuse("a perturbation's step_size", options.step_size);
  }
  for (const PerturbationMember& member : members) {
    const bool finite = std::isfinite(member.radius) && std::isfinite(InnerRadius(member.radius));
    if (!finite || !(InnerRadius(member.radius) > 0)) Refuse("a member's radius", member.radius);
  }
}

void Perturbation::DrawStart(const PerturbationMember& member, uint64_t update, float* to) {
  const int64_t elements = size_.rows * size_.inputs;
  for (int64_t first = 0; first < elements; first += kLanes) {
    const int64_t count = std::min(kLanes, elements - first);
    const Philox random(member.seed, Purpose::kPerturbation, static_cast<uint32_t>(first / kLanes));
    random.FillUniform(update, static_cast<uint32_t>(count), uniform_.data());
    for (int64_t i = 0; i < count; ++i) {
      to[first + i] = static_cast<float>(member.radius * (2 * uniform_[i] - 1));
    }
  }
}

void Perturbation::Stage(const std::vector<PerturbationMember>& members,
                         const std::vector<uint64_t>& first_updates, int64_t updates) {
  std::vector<float> radii;
  for (const PerturbationMember& member : members) radii.push_back(InnerRadius(member.radius));
  ascent_.SetRadii(radii);
  if (drawn_.size(0) < updates) {
    drawn_ = torch::empty({updates, size_.members, size_.rows, size_.inputs}, torch::kFloat32);
  }
  const int64_t elements = size_.rows * size_.inputs;
  float* to = drawn_.data_ptr<float>();
  for (int64_t u = 0; u < updates; ++u) {
    for (size_t m = 0; m < members.size(); ++m, to += elements) {
      DrawStart(members[m], first_updates[m] + u, to);
    }
  }
  starts_ = drawn_.to(delta_.options());
}

void Perturbation::Start(int64_t staged_update) {
  delta_.copy_(starts_.select(0, staged_update));
  ascent_.Project(delta_);
}

PerturbationResult Perturbation::Maximize(const SmoothnessObjective& objective) {
  objective.move_to(delta_);
  objective.value(start_value_);
  for (int step = 0; step < options_.steps; ++step) {
    objective.gradient(gradient_);
    ascent_.Step(gradient_, delta_);
    objective.move_to(delta_);
  }
  objective.value(value_);
  ascent_.BoundaryShare(delta_, boundary_share_);
  return {.delta = delta_,
          .start_value = start_value_,
          .value = value_,
          .boundary_share = boundary_share_};
}

PerturbationResult Perturbation::Maximize(const SmoothnessObjective& objective,
                                          const std::vector<PerturbationMember>& members,
                                          uint64_t update) {
  Stage(members, std::vector<uint64_t>(members.size(), update), 1);
  Start(0);
  return Maximize(objective);
}

}  // namespace sr2l
