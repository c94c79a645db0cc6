#ifndef SR2L_ACTOR_FLEET_TIMED_CALLS_H_
#define SR2L_ACTOR_FLEET_TIMED_CALLS_H_

#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sr2l {

// One thread that makes calls, one after the other, each not before its time. For calls that
// block until their answer and end at once when they are stopped. Thread-safe; calls may add
// calls.
class TimedCalls {
 public:
  using Call = std::function<void(const std::stop_token&)>;

  TimedCalls() : thread_([this] { Run(); }) {}
  // Calls Close.
  ~TimedCalls();

  // Makes the call once `delay` has passed. Does nothing after Close.
  void After(absl::Duration delay, Call call) ABSL_LOCKS_EXCLUDED(mu_);

  // Stops the call that runs, waits for its end and forgets the others.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  bool MustLook() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return closed_ || changed_; }

  std::once_flag joined_;
  std::stop_source stop_;
  absl::Mutex mu_;
  std::multimap<absl::Time, Call> calls_ ABSL_GUARDED_BY(mu_);
  bool changed_ ABSL_GUARDED_BY(mu_) = false;  // there is a call that Run has not seen
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // last: uses everything above
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_FLEET_TIMED_CALLS_H_
