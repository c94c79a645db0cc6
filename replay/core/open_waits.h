#ifndef SR2L_REPLAY_CORE_OPEN_WAITS_H_
#define SR2L_REPLAY_CORE_OPEN_WAITS_H_

#include <cstdint>
#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// The waits of a store whose waiters were neither told nor have gone away, and what the log, which
// holds it weakly, is to call for them. Thread-safe; nothing is destroyed under the lock.
class OpenWaits {
 public:
  using Id = uint64_t;
  using Done = std::shared_ptr<const TrajectoryLog::Done>;

  // From 1 on.
  Id Begin() ABSL_LOCKS_EXCLUDED(mu_);

  // Keeps `done` until the end. False: that was before.
  bool Keep(Id id, const Done& done) ABSL_LOCKS_EXCLUDED(mu_);

  // True for one caller alone: the one that tells the waiter, or for whom it goes away.
  bool End(Id id) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Mutex mu_;
  std::map<Id, Done> waits_ ABSL_GUARDED_BY(mu_);  // null: the log is not asked yet
  Id last_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_OPEN_WAITS_H_
