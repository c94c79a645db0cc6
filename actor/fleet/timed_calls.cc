#include "actor/fleet/timed_calls.h"

#include <utility>

#include "absl/time/clock.h"

namespace sr2l {

TimedCalls::~TimedCalls() { Close(); }

void TimedCalls::After(absl::Duration delay, Call call) {
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
  stop_.request_stop();
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
    const Call call = std::move(calls_.begin()->second);
    calls_.erase(calls_.begin());
    mu_.Unlock();
    call(stop_.get_token());
    mu_.Lock();
  }
}

}  // namespace sr2l
