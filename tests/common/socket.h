#ifndef SR2L_TESTS_COMMON_SOCKET_H_
#define SR2L_TESTS_COMMON_SOCKET_H_

#include <string>

#include "common/files/file_descriptor.h"

namespace sr2l {

class Socket : public FileDescriptor {
 public:
  using FileDescriptor::FileDescriptor;

  // Closes with a reset instead of an end.
  void Reset();
};

// Connects to "127.0.0.1:PORT"; not valid when nobody listens there. Waits for the peer's
// kernel alone.
Socket ConnectTo(const std::string& address);

// Listens on a free port of loopback; `address` is told which.
Socket ListenOnLoopback(std::string& address);

// Neither reading nor writing waits from here on, and small parts go out at once.
void SetNonBlocking(const Socket& socket);

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_SOCKET_H_
