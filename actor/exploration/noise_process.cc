#include "actor/exploration/noise_process.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr double kLargest = 1000;

absl::Status MustError(absl::string_view field, absl::string_view allowed, double value) {
  return absl::InvalidArgumentError(
      absl::StrCat("exploration.", field, " must be ", allowed, ", got ", value));
}

// NaN is in no range.
absl::Status CheckRange(absl::string_view field, double value) {
  if (value >= 0 && value <= kLargest) return absl::OkStatus();
  return MustError(field, "in [0, 1000]", value);
}

absl::StatusOr<NoiseProcess> MakeOrnsteinUhlenbeck(const v1::OrnsteinUhlenbeckConfig& config) {
  SR2L_RETURN_IF_ERROR(CheckRange("ornstein_uhlenbeck.sigma", config.sigma()));
  SR2L_RETURN_IF_ERROR(CheckRange("ornstein_uhlenbeck.theta", config.theta()));
  if (!(config.dt() > 0 && config.dt() <= kLargest)) {
    return MustError("ornstein_uhlenbeck.dt", "in (0, 1000]", config.dt());
  }
  const double pull = config.theta() * config.dt();
  if (pull > 1) return MustError("ornstein_uhlenbeck.theta * dt", "at most 1", pull);
  return NoiseProcess{.decay = 1 - pull, .scale = config.sigma() * std::sqrt(config.dt())};
}

}  // namespace

absl::StatusOr<NoiseProcess> MakeNoiseProcess(const v1::ExplorationConfig& config) {
  switch (config.noise_case()) {
    case v1::ExplorationConfig::kOrnsteinUhlenbeck:
      return MakeOrnsteinUhlenbeck(config.ornstein_uhlenbeck());
    case v1::ExplorationConfig::kGaussian:
      SR2L_RETURN_IF_ERROR(CheckRange("gaussian.sigma", config.gaussian().sigma()));
      return NoiseProcess{.decay = 0, .scale = config.gaussian().sigma()};
    case v1::ExplorationConfig::NOISE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(
      "exploration must have ornstein_uhlenbeck or gaussian, got neither");
}

}  // namespace sr2l
