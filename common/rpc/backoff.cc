#include "common/rpc/backoff.h"

#include <algorithm>

#include "absl/synchronization/notification.h"

namespace sr2l {

absl::Duration Backoff::Next() {
  const int doublings = static_cast<int>(std::min<uint64_t>(attempt_, 7));
  const absl::Duration longest =
      std::min(absl::Milliseconds(50) * (1 << doublings), absl::Seconds(5));
  return longest * (0.5 + 0.5 * jitter_.Uniform(attempt_++, 0));
}

bool Pause(const std::stop_token& stop, absl::Duration pause) {
  absl::Notification stopped;
  const std::stop_callback notify(stop, [&stopped] { stopped.Notify(); });
  return !stopped.WaitForNotificationWithTimeout(pause);
}

}  // namespace sr2l
