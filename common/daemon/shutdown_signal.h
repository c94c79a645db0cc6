#ifndef SR2L_COMMON_DAEMON_SHUTDOWN_SIGNAL_H_
#define SR2L_COMMON_DAEMON_SHUTDOWN_SIGNAL_H_

#include "absl/time/time.h"

namespace sr2l {

// SIGINT and SIGTERM as something to wait for. Make one first in main, before any
// thread: it blocks both signals in this thread and in all that it starts. SIGPIPE is
// ignored.
class ShutdownSignal {
 public:
  ShutdownSignal();

  // Waits for the next of the two signals; false when `timeout` passed without one.
  bool Wait(absl::Duration timeout = absl::InfiniteDuration());
};

}  // namespace sr2l

#endif  // SR2L_COMMON_DAEMON_SHUTDOWN_SIGNAL_H_
