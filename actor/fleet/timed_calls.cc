#include "actor/fleet/timed_calls.h"

#include <utility>

#include "absl/time/clock.h"

namespace sr2l {

TimedCalls::~TimedCalls() { Close(); }

void TimedCalls::After(absl::Duration delay, std::function<void()> call) {
  absl::MutexLock lock(&mu_);
  if (closed_) return;
  calls_.emplace(absl::Now() + delay, std::move(call));
  changed_ = true;
}

void TimedCalls::Close() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    calls_.clear();
  }
  std::call_once(joined_, [this] { thread_.join(); });
}

void TimedCalls::Run() {
  absl::MutexLock lock(&mu_);
  while (!closed_) {
    changed_ = false;
    const absl::Time due = calls_.empty() ? absl::InfiniteFuture() : calls_.begin()->first;
    if (absl::Now() < due) {
      mu_.AwaitWithDeadline(absl::Condition(this, &TimedCalls::MustLook), due);
      continue;
    }
    const std::function<void()> call = std::move(calls_.begin()->second);
    calls_.erase(calls_.begin());
    mu_.Unlock();
    call();
    mu_.Lock();
  }
}

}  // namespace sr2l
