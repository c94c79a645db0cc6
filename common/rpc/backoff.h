#ifndef SR2L_COMMON_RPC_BACKOFF_H_
#define SR2L_COMMON_RPC_BACKOFF_H_

#include <cstdint>
#include <stop_token>

#include "absl/time/time.h"
#include "common/random/philox.h"

namespace sr2l {

// Delays between attempts: 50 ms, doubling up to 5 s, each scaled by a random factor in
// [0.5, 1) so that many clients do not return together. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(uint64_t seed) : jitter_(seed, Purpose::kJitter) {}

  // The delay before the next attempt.
  absl::Duration Next();

  // After a success: start again from the shortest delay.
  void Reset() { attempt_ = 0; }

 private:
  const Philox jitter_;
  uint64_t attempt_ = 0;
};

// Blocks for `pause`; false as soon as `stop` is requested.
bool Pause(const std::stop_token& stop, absl::Duration pause);

}  // namespace sr2l

#endif  // SR2L_COMMON_RPC_BACKOFF_H_
