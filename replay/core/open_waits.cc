#include "replay/core/open_waits.h"

namespace sr2l {

OpenWaits::Id OpenWaits::Begin() {
  absl::MutexLock lock(&mu_);
  waits_.emplace(++last_, nullptr);
  return last_;
}

bool OpenWaits::Keep(Id id, const Done& done) {
  absl::MutexLock lock(&mu_);
  const auto wait = waits_.find(id);
  if (wait == waits_.end()) return false;
  wait->second = done;
  return true;
}

bool OpenWaits::End(Id id) {
  std::map<Id, Done>::node_type ended;  // destroyed after the lock was released
  absl::MutexLock lock(&mu_);
  ended = waits_.extract(id);
  return !ended.empty();
}

}  // namespace sr2l
