#include "deploy/cli/interrupts.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace sr2l {

absl::StatusOr<std::unique_ptr<Interrupts>> Interrupts::Create() {
  std::unique_ptr<Interrupts> interrupts(new Interrupts());
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, &interrupts->previous_mask_);
  signal(SIGPIPE, SIG_IGN);
  interrupts->fd_ = FileDescriptor(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!interrupts->fd_.valid()) {
    return absl::ErrnoToStatus(errno, "cannot receive signals (signalfd)");
  }
  return interrupts;
}

Interrupts::~Interrupts() {
  Take();
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

void Interrupts::Take() {
  signalfd_siginfo arrived;
  while (read(fd_.get(), &arrived, sizeof(arrived)) == sizeof(arrived)) ++count_;
}

}  // namespace sr2l
