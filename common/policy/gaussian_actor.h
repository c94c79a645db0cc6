#ifndef SR2L_COMMON_POLICY_GAUSSIAN_ACTOR_H_
#define SR2L_COMMON_POLICY_GAUSSIAN_ACTOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/mlp.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// A Gaussian policy N(mean(s), sigma^2) ready to act: an immutable snapshot, safe to
// share between threads. O observation_dim, A action_dim.
class GaussianActor {
 public:
  // InvalidArgument when sizes do not match the shape or a number is not finite.
  static absl::StatusOr<std::shared_ptr<const GaussianActor>> Create(
      const v1::PolicySnapshot& snapshot);

  const Mlp& network() const { return network_; }
  uint64_t version() const { return version_; }
  int observation_dim() const { return network_.inputs(); }
  int action_dim() const { return network_.outputs(); }
  const std::vector<float>& sigma() const { return sigma_; }  // [A]

  // means[i] + sigma * z, z standard normal and a pure function of (seed, stream, step).
  // `mean` and `action` [A]; they may be the same array.
  void Sample(const float* mean, uint64_t seed, uint32_t stream, uint64_t step,
              float* action) const;

 private:
  GaussianActor(Mlp network, std::vector<float> sigma, uint64_t version);

  const Mlp network_;
  const std::vector<float> sigma_;
  const uint64_t version_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_POLICY_GAUSSIAN_ACTOR_H_
