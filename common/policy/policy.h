#ifndef SR2L_COMMON_POLICY_POLICY_H_
#define SR2L_COMMON_POLICY_POLICY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/mlp.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// A policy ready to act: Gaussian, N(mean(s), sigma^2), or deterministic, mean(s), with the
// mean a network of the normalized observation. An immutable snapshot, safe to share
// between threads. O observation_dim, A action_dim.
class Policy {
 public:
  // InvalidArgument, naming field, value and what is allowed, when sizes do not match the
  // network's or a number is out of its range.
  static absl::StatusOr<std::shared_ptr<const Policy>> Create(const v1::PolicySnapshot& snapshot);

  const Mlp& network() const { return network_; }
  uint64_t version() const { return version_; }
  int observation_dim() const { return network_.inputs(); }
  int action_dim() const { return network_.outputs(); }

  bool is_gaussian() const { return !sigma_.empty(); }
  const std::vector<float>& sigma() const { return sigma_; }  // [A]; empty: deterministic

  // What the network is to be given for `observation` [O]: NormalizeRow by the snapshot's
  // statistics, or a copy if it has none. `normalized` [O] may be `observation`.
  void Normalize(const float* observation, float* normalized) const;

  // means[i] + sigma * z, z standard normal and a pure function of (seed, stream, step).
  // Needs a Gaussian policy. `mean` and `action` [A]; they may be the same array.
  void Sample(const float* mean, uint64_t seed, uint32_t stream, uint64_t step,
              float* action) const;

 private:
  // Of no coordinates: none.
  struct Normalization {
    std::vector<float> mean;   // [O]
    std::vector<float> scale;  // [O], 1 / standard deviation
    float clip = 0;
  };

  Policy(Mlp network, std::vector<float> sigma, Normalization normalization, uint64_t version);

  static absl::StatusOr<Normalization> ReadNormalization(const v1::PolicySnapshot& snapshot);

  const Mlp network_;
  const std::vector<float> sigma_;
  const Normalization normalization_;
  const uint64_t version_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_POLICY_POLICY_H_
