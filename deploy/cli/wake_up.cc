#include "deploy/cli/wake_up.h"

#include <sys/eventfd.h>

#include "common/status/check.h"

namespace sr2l {

WakeUp::WakeUp() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { SR2L_CHECK(fd_.valid()); }

void WakeUp::Set() {
  // Fails only when it is set already.
  static_cast<void>(eventfd_write(fd_.get(), 1));
}

void WakeUp::Clear() {
  // Fails only when it is not set.
  eventfd_t count = 0;
  static_cast<void>(eventfd_read(fd_.get(), &count));
}

}  // namespace sr2l
