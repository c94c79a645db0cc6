#include "learner/smoothness/perturbation.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "common/random/philox.h"
#include "learner/smoothness/ascent.h"

namespace sr2l {
namespace {

// Elements that one stream of random numbers serves; Philox tells 2^24 lanes apart.
constexpr int64_t kLanes = int64_t{1} << 24;

[[noreturn]] void Refuse(const std::string& name, double value) {
  throw std::invalid_argument(name + " must be positive and finite, got " +
                              std::to_string(value));
}

Ascent MakeAscent(const SmoothnessOptions& options,
                  const std::vector<PerturbationMember>& members, torch::Device device) {
  std::vector<float> radii;
  for (const PerturbationMember& member : members) radii.push_back(InnerRadius(member.radius));
  return Ascent(options, std::move(radii), device);
}

}  // namespace

Perturbation::Perturbation(const SmoothnessOptions& options, const PerturbationSize& size,
                           torch::Device device)
    : options_(options),
      uniform_(std::min(kLanes, size.rows * size.inputs)),
      start_(torch::empty({size.members, size.rows, size.inputs}, torch::kFloat32)),
      delta_(torch::empty_like(start_, device)),
      gradient_(torch::empty_like(delta_)) {}

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

void Perturbation::DrawStart(const std::vector<PerturbationMember>& members, uint64_t update) {
  const int64_t elements = start_.numel() / start_.size(0);
  for (size_t m = 0; m < members.size(); ++m) {
    float* to = start_.data_ptr<float>() + m * elements;
    const double radius = members[m].radius;
    for (int64_t first = 0; first < elements; first += kLanes) {
      const int64_t count = std::min(kLanes, elements - first);
      const Philox random(members[m].seed, Purpose::kPerturbation,
                          static_cast<uint32_t>(first / kLanes));
      random.FillUniform(update, static_cast<uint32_t>(count), uniform_.data());
      for (int64_t i = 0; i < count; ++i) {
        to[first + i] = static_cast<float>(radius * (2 * uniform_[i] - 1));
      }
    }
  }
  delta_.copy_(start_);
}

PerturbationResult Perturbation::Maximize(const SmoothnessObjective& objective,
                                          const std::vector<PerturbationMember>& members,
                                          uint64_t update) {
  const Ascent ascent = MakeAscent(options_, members, delta_.device());
  DrawStart(members, update);
  ascent.Project(delta_);
  objective.move_to(delta_);
  const torch::Tensor start_value = objective.value();
  for (int step = 0; step < options_.steps; ++step) {
    objective.gradient(gradient_);
    ascent.Step(gradient_, delta_);
    objective.move_to(delta_);
  }
  return {.delta = delta_,
          .start_value = start_value,
          .value = objective.value(),
          .boundary_share = ascent.BoundaryShare(delta_)};
}

}  // namespace sr2l
