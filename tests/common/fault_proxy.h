#ifndef SR2L_TESTS_COMMON_FAULT_PROXY_H_
#define SR2L_TESTS_COMMON_FAULT_PROXY_H_

#include <list>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/common/socket.h"

namespace sr2l {

// A network between clients and one server on loopback that can be made to fail. Forwards
// until it is told otherwise. Thread-safe.
class FaultProxy {
 public:
  // Forwards to `target`, "127.0.0.1:PORT"; nothing needs to listen there yet.
  explicit FaultProxy(const std::string& target);
  ~FaultProxy();

  // What clients connect to.
  const std::string& address() const { return address_; }

  // Forwards again, first what was held back.
  void Pass() ABSL_LOCKS_EXCLUDED(mu_);
  // Resets all connections, and new ones as soon as they come.
  void Cut() ABSL_LOCKS_EXCLUDED(mu_);
  // Keeps connections open, new ones too, and moves no byte.
  void Stall() ABSL_LOCKS_EXCLUDED(mu_);
  // Makes today's connections half-open for ever: bytes and ends are swallowed, neither side
  // hears of the other again. New connections are forwarded.
  void Vanish() ABSL_LOCKS_EXCLUDED(mu_);

  // Connections that are forwarded.
  int num_connections() const ABSL_LOCKS_EXCLUDED(mu_);
  // How long after Vanish the last end gave its connection up; nullopt while one has not.
  std::optional<absl::Duration> last_farewell() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class Mode { kPass, kCut, kStall };

  // One side of a connection.
  struct End {
    Socket socket;
    std::string pending;      // read from here, not yet written to the other end
    bool read_all = false;    // it sends no more
    bool told_end = false;    // it was told that the other end sends no more
  };
  struct Connection {
    End client;
    End server;
    std::optional<absl::Time> vanished;  // when
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until there may be something to do.
  void Wait() ABSL_LOCKS_EXCLUDED(mu_);
  void Wake();
  void SetMode(Mode mode) ABSL_LOCKS_EXCLUDED(mu_);
  void AcceptAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Each moves what can be moved at once. False: the connection is over.
  static bool Forward(Connection& connection);
  static bool ForwardOneWay(End& from, End& to);
  bool Swallow(Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string target_;
  std::string address_;  // the listener's
  Socket listener_;
  Socket wake_;  // an eventfd
  mutable absl::Mutex mu_;
  Mode mode_ ABSL_GUARDED_BY(mu_) = Mode::kPass;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mu_);
  absl::Duration last_farewell_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;  // last: uses everything above
};

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_FAULT_PROXY_H_
