#ifndef SR2L_COMMON_METRICS_TEXT_HTTP_SERVER_H_
#define SR2L_COMMON_METRICS_TEXT_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"

namespace sr2l {

// Answers GET at one path with a text that is made anew each time; plain HTTP, one
// request per connection, one connection after the other. A client has two seconds.
//
// Not the server of prometheus-cpp: its threads have stacks of 100 KiB, which is less
// than the thread-local storage of a process with LibTorch needs, so it does not start.
class TextHttpServer {
 public:
  // `address`: host:port, port 0 for a free one; `make_text` is called on the server's
  // thread. Unavailable when the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<TextHttpServer>> Start(
      const std::string& address, std::string path, std::function<std::string()> make_text);

  // Stops listening and joins the thread.
  ~TextHttpServer();

  // The port that was bound.
  int port() const { return port_; }

 private:
  TextHttpServer(int listen_fd, int wake_fd, int port, std::string path,
                 std::function<std::string()> make_text);

  void Run();
  void Serve(int connection) const;
  std::string Respond(const std::string& request) const;

  const int listen_fd_;
  const int wake_fd_;  // readable once the server is to stop
  const int port_;
  const std::string path_;
  const std::function<std::string()> make_text_;
  std::thread thread_;  // last: runs on all of the above
};

}  // namespace sr2l

#endif  // SR2L_COMMON_METRICS_TEXT_HTTP_SERVER_H_
