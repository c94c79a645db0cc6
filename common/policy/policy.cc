#include "common/policy/policy.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/container/fixed_array.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/random/philox.h"
#include "common/statistics/normalize_row.h"
#include "common/status/check.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

using Floats = google::protobuf::RepeatedField<float>;

absl::Status CheckSize(absl::string_view field, const Floats& numbers, int expected) {
  if (numbers.size() == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("normalization.", field, " must have ", expected,
                                                 " elements, got ", numbers.size()));
}

absl::StatusOr<std::vector<float>> ReadSigma(const Floats& log_std, int actions) {
  const int given = log_std.size();
  if (given == 0) return std::vector<float>();
  if (given != 1 && given != actions) {
    return absl::InvalidArgumentError(
        absl::StrCat("log_std must have 0, 1 or ", actions, " elements, got ", given));
  }
  std::vector<float> sigma(actions);
  for (int i = 0; i < actions; ++i) {
    const int source = given == 1 ? 0 : i;
    sigma[i] = static_cast<float>(std::exp(static_cast<double>(log_std.Get(source))));
    if (!std::isfinite(log_std.Get(source)) || !std::isfinite(sigma[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("log_std[", source, "] must be finite and so must its exponential, got ",
                       log_std.Get(source)));
    }
  }
  return sigma;
}

}  // namespace

Policy::Policy(Mlp network, std::vector<float> sigma, Normalization normalization, uint64_t version)
    : network_(std::move(network)),
      sigma_(std::move(sigma)),
      normalization_(std::move(normalization)),
      version_(version) {}

absl::StatusOr<Policy::Normalization> Policy::ReadNormalization(
    const v1::PolicySnapshot& snapshot) {
  if (!snapshot.has_normalization()) return Normalization();
  const v1::ObservationNormalization& given = snapshot.normalization();
  const int observations = snapshot.network().inputs();
  SR2L_RETURN_IF_ERROR(CheckSize("mean", given.mean(), observations));
  SR2L_RETURN_IF_ERROR(CheckSize("scale", given.scale(), observations));
  for (int i = 0; i < observations; ++i) {
    if (!std::isfinite(given.mean(i))) {
      return absl::InvalidArgumentError(
          absl::StrCat("normalization.mean[", i, "] must be finite, got ", given.mean(i)));
    }
    if (!std::isfinite(given.scale(i)) || given.scale(i) <= 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "normalization.scale[", i, "] must be finite and > 0, got ", given.scale(i)));
    }
  }
  if (!std::isfinite(given.clip()) || given.clip() <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("normalization.clip must be finite and > 0, got ", given.clip()));
  }
  return Normalization{.mean = {given.mean().begin(), given.mean().end()},
                       .scale = {given.scale().begin(), given.scale().end()},
                       .clip = given.clip()};
}

absl::StatusOr<std::shared_ptr<const Policy>> Policy::Create(const v1::PolicySnapshot& snapshot) {
  SR2L_ASSIGN_OR_RETURN(Mlp network, Mlp::Create(snapshot.network(), snapshot.parameters()));
  SR2L_ASSIGN_OR_RETURN(std::vector<float> sigma, ReadSigma(snapshot.log_std(), network.outputs()));
  SR2L_ASSIGN_OR_RETURN(Normalization normalization, ReadNormalization(snapshot));
  return std::shared_ptr<const Policy>(new Policy(std::move(network), std::move(sigma),
                                                  std::move(normalization), snapshot.version()));
}

void Policy::Normalize(const float* observation, float* normalized) const {
  if (normalization_.mean.empty()) {
    std::memmove(normalized, observation, observation_dim() * sizeof(float));
    return;
  }
  NormalizeRow(observation, normalization_.mean.data(), normalization_.scale.data(),
               normalization_.clip, observation_dim(), normalized);
}

void Policy::Sample(const float* mean, uint64_t seed, uint32_t stream, uint64_t step,
                    float* action) const {
  SR2L_CHECK(is_gaussian());
  absl::FixedArray<double, 64> noise(sigma_.size());
  Philox(seed, Purpose::kExploration, stream)
      .FillNormal(step, static_cast<uint32_t>(noise.size()), noise.data());
  for (size_t i = 0; i < sigma_.size(); ++i) {
    action[i] = mean[i] + sigma_[i] * static_cast<float>(noise[i]);
  }
}

}  // namespace sr2l
