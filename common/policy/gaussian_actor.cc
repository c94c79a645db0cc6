#include "common/policy/gaussian_actor.h"

#include <cmath>
#include <utility>

#include "absl/container/fixed_array.h"
#include "absl/strings/str_cat.h"
#include "common/random/philox.h"
#include "common/status/status_macros.h"

namespace sr2l {

GaussianActor::GaussianActor(Mlp network, std::vector<float> sigma, uint64_t version)
    : network_(std::move(network)), sigma_(std::move(sigma)), version_(version) {}

absl::StatusOr<std::shared_ptr<const GaussianActor>> GaussianActor::Create(
    const v1::PolicySnapshot& snapshot) {
  SR2L_ASSIGN_OR_RETURN(Mlp network, Mlp::Create(snapshot.network(), snapshot.parameters()));
  const int actions = network.outputs();
  const int given = snapshot.log_std_size();
  if (given != 1 && given != actions) {
    return absl::InvalidArgumentError(
        absl::StrCat("log_std must have 1 or ", actions, " elements, got ", given));
  }
  std::vector<float> sigma(actions);
  for (int i = 0; i < actions; ++i) {
    const int source = given == 1 ? 0 : i;
    sigma[i] = static_cast<float>(std::exp(static_cast<double>(snapshot.log_std(source))));
    if (!std::isfinite(snapshot.log_std(source)) || !std::isfinite(sigma[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("log_std[", source, "] must be finite and so must its exponential, got ",
                       snapshot.log_std(source)));
    }
  }
  return std::shared_ptr<const GaussianActor>(
      new GaussianActor(std::move(network), std::move(sigma), snapshot.version()));
}

void GaussianActor::Sample(const float* mean, uint64_t seed, uint32_t stream, uint64_t step,
                           float* action) const {
  absl::FixedArray<double, 64> noise(sigma_.size());
  Philox(seed, Purpose::kExploration, stream)
      .FillNormal(step, static_cast<uint32_t>(noise.size()), noise.data());
  for (size_t i = 0; i < sigma_.size(); ++i) {
    action[i] = mean[i] + sigma_[i] * static_cast<float>(noise[i]);
  }
}

}  // namespace sr2l
