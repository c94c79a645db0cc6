#ifndef SR2L_LEARNER_SMOOTHNESS_ASCENT_H_
#define SR2L_LEARNER_SMOOTHNESS_ASCENT_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "learner/smoothness/smoothness_options.h"

namespace sr2l {

// The largest float32 that is not above `radius`: the ball that a float32 perturbation can
// fill without leaving the one that was asked for.
float InnerRadius(double radius);

// Projected gradient ascent inside balls of radius radii[m] around 0, one ball per member
// and state. delta and gradient are [M, B, O], contiguous, of the constructor's dtype; radii
// are inner radii, 0 at first.
// Whatever the gradient is (huge, NaN), no perturbation ever leaves its ball by a bit: in
// the maximum norm every |coordinate| <= radius; in the Euclidean norm the exactly
// computed length is <= radius. Not thread-safe.
class Ascent {
 public:
  Ascent(const SmoothnessOptions& options, int64_t members, torch::Device device,
         torch::Dtype dtype = torch::kFloat32);

  // In place: what was captured of the other methods' work goes on with these.
  void SetRadii(const std::vector<float>& radii);

  // delta <- projection(delta + step_size radius direction(gradient)). A zero or non-finite
  // gradient of a state gives no step where it has no direction. Overwrites the gradient.
  void Step(torch::Tensor& gradient, torch::Tensor& delta) const;

  // delta <- the nearest point of the ball.
  void Project(torch::Tensor& delta) const;

  // Fills the share [M] float64 of coordinates (maximum norm) or states (Euclidean norm) that
  // lie on the ball's boundary.
  void BoundaryShare(const torch::Tensor& delta, torch::Tensor& share) const;

 private:
  void StepOnCpu(const torch::Tensor& gradient, torch::Tensor& delta) const;
  void StepByOperators(torch::Tensor& gradient, torch::Tensor& delta) const;

  const SmoothnessOptions options_;
  std::vector<float> radii_;
  torch::Tensor radius_;      // [M, 1, 1]
  torch::Tensor low_radius_;  // [M, 1, 1], minus the radius
  torch::Tensor step_;        // [M, 1, 1], step_size times radius
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SMOOTHNESS_ASCENT_H_
