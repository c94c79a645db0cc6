#include "actor/exploration/exploration_noise.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace sr2l {

ExplorationNoise::ExplorationNoise(std::optional<NoiseProcess> process, const Philox& random,
                                   int action_dim)
    : process_(process),
      random_(random),
      action_dim_(action_dim),
      state_(process.has_value() ? action_dim : 0),
      normals_(state_.size()) {}

void ExplorationNoise::Reset() { std::fill(state_.begin(), state_.end(), 0.0); }

void ExplorationNoise::Explore(uint64_t step, float* action) {
  if (process_.has_value()) {
    random_.FillNormal(step, static_cast<uint32_t>(action_dim_), normals_.data());
    for (int i = 0; i < action_dim_; ++i) {
      state_[i] = process_->decay * state_[i] + process_->scale * normals_[i];
      action[i] = static_cast<float>(action[i] + state_[i]);
    }
  }
  for (int i = 0; i < action_dim_; ++i) action[i] = std::clamp(action[i], -1.0f, 1.0f);
}

void ExplorationNoise::Save(v1::ResumeToken& token) const {
  token.mutable_noise()->Assign(state_.begin(), state_.end());
}

absl::Status ExplorationNoise::Restore(const v1::ResumeToken& token) {
  if (static_cast<size_t>(token.noise_size()) != state_.size()) {
    return absl::DataLossError(absl::StrCat("resume token: noise must have ", state_.size(),
                                            " numbers for this experiment, got ",
                                            token.noise_size()));
  }
  for (int i = 0; i < token.noise_size(); ++i) {
    if (std::isfinite(token.noise(i))) continue;
    return absl::DataLossError(
        absl::StrCat("resume token: noise[", i, "] must be finite, got ", token.noise(i)));
  }
  std::copy(token.noise().begin(), token.noise().end(), state_.begin());
  return absl::OkStatus();
}

}  // namespace sr2l
