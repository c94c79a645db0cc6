#ifndef SR2L_DEPLOY_CLI_INTERRUPTS_H_
#define SR2L_DEPLOY_CLI_INTERRUPTS_H_

#include <signal.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/files/file_descriptor.h"

namespace sr2l {

// SIGINT, SIGTERM and SIGHUP as something to poll for, from construction to destruction.
// Make one before any thread is started: it blocks the signals in this thread and in all
// that it starts. Ignores SIGPIPE, so that a closed terminal ends nothing halfway.
// Not thread-safe.
class Interrupts {
 public:
  static absl::StatusOr<std::unique_ptr<Interrupts>> Create();
  ~Interrupts();

  // Readable, for poll(2), while a signal waits to be taken.
  int fd() const { return fd_.get(); }

  // Takes the signals that have arrived; count() is how many there were so far.
  void Take();
  int count() const { return count_; }

 private:
  Interrupts() = default;

  FileDescriptor fd_;
  sigset_t previous_mask_ = {};
  int count_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_INTERRUPTS_H_
