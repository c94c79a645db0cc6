#ifndef SR2L_TESTS_COMMON_SOCKET_H_
#define SR2L_TESTS_COMMON_SOCKET_H_

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace sr2l {

// Owns a file descriptor, or none (-1).
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Socket() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // Closes with a reset instead of an end.
  void Reset();

 private:
  int fd_ = -1;
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
