#include "common/rpc/backoff.h"

#include <algorithm>

namespace sr2l {

absl::Duration Backoff::Next() {
  const int doublings = static_cast<int>(std::min<uint64_t>(attempt_, 7));
  const absl::Duration longest =
      std::min(absl::Milliseconds(50) * (1 << doublings), absl::Seconds(5));
  return longest * (0.5 + 0.5 * jitter_.Uniform(attempt_++, 0));
}

}  // namespace sr2l
