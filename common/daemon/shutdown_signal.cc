#include "common/daemon/shutdown_signal.h"

#include <cerrno>
#include <csignal>

namespace sr2l {
namespace {

sigset_t ShutdownSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

ShutdownSignal::ShutdownSignal() {
  const sigset_t signals = ShutdownSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

bool ShutdownSignal::Wait(absl::Duration timeout) {
  const sigset_t signals = ShutdownSignals();
  if (timeout == absl::InfiniteDuration()) {
    while (sigwaitinfo(&signals, nullptr) < 0) {
    }
    return true;
  }
  const timespec limit = absl::ToTimespec(timeout);
  int caught = -1;
  do {
    caught = sigtimedwait(&signals, nullptr, &limit);
  } while (caught < 0 && errno == EINTR);
  return caught > 0;
}

}  // namespace sr2l
