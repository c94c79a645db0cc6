#ifndef SR2L_DEPLOY_CLI_WAKE_UP_H_
#define SR2L_DEPLOY_CLI_WAKE_UP_H_

#include "common/files/file_descriptor.h"

namespace sr2l {

// How a thread ends another one's poll(2). Thread-safe.
class WakeUp {
 public:
  WakeUp();

  // Readable from a Set until the next Clear.
  int fd() const { return fd_.get(); }
  void Set();
  void Clear();

 private:
  const FileDescriptor fd_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_WAKE_UP_H_
