#include "common/metrics/text_http_server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace sr2l {
namespace {

constexpr absl::Duration kClientTime = absl::Seconds(2);
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);
constexpr size_t kMaxRequestBytes = 8192;

absl::Status CannotBind(const std::string& address, const std::string& why) {
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", why));
}

// A listening socket; `address` is host:port or [host]:port.
absl::StatusOr<int> Listen(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return CannotBind(address, "no port");
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* resolved = nullptr;
  const int error = getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &resolved);
  if (error != 0) return CannotBind(address, gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(resolved, &freeaddrinfo);

  const int fd = socket(resolved->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return CannotBind(address, strerror(errno));
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(fd, resolved->ai_addr, resolved->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
    const std::string why = strerror(errno);
    close(fd);
    return CannotBind(address, why);
  }
  return fd;
}

int BoundPort(int fd) {
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return bound.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6&>(bound).sin6_port)
                                     : ntohs(reinterpret_cast<sockaddr_in&>(bound).sin_port);
}

// Waits for `events` on `fd` until `deadline`.
bool Await(int fd, short events, absl::Time deadline) {
  pollfd event = {.fd = fd, .events = events, .revents = 0};
  int ready = 0;
  do {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    ready = poll(&event, 1, static_cast<int>(std::max<int64_t>(0, left)));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// What came up to the end of the header; empty when that did not come.
std::string ReadRequest(int connection, absl::Time deadline) {
  std::string request;
  while (!absl::StrContains(request, "\r\n\r\n")) {
    char part[1024];
    if (request.size() > kMaxRequestBytes || !Await(connection, POLLIN, deadline)) return "";
    const ssize_t count = recv(connection, part, sizeof(part), MSG_DONTWAIT);
    if (count <= 0) return "";
    request.append(part, static_cast<size_t>(count));
  }
  return request;
}

void Send(int connection, const std::string& response, absl::Time deadline) {
  size_t sent = 0;
  while (sent < response.size() && Await(connection, POLLOUT, deadline)) {
    const ssize_t count = send(connection, response.data() + sent, response.size() - sent,
                               MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) return;
    sent += static_cast<size_t>(count);
  }
}

std::string Response(absl::string_view status, const std::string& body) {
  return absl::StrCat("HTTP/1.1 ", status,
                      "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8"
                      "\r\nConnection: close\r\nContent-Length: ",
                      body.size(), "\r\n\r\n", body);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TextHttpServer>> TextHttpServer::Start(
    const std::string& address, std::string path, std::function<std::string()> make_text) {
  const absl::StatusOr<int> listen_fd = Listen(address);
  if (!listen_fd.ok()) return listen_fd.status();
  const int wake_fd = eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) {
    close(*listen_fd);
    return absl::ErrnoToStatus(errno, "eventfd");
  }
  return std::unique_ptr<TextHttpServer>(
      new TextHttpServer(*listen_fd, wake_fd, BoundPort(*listen_fd), std::move(path),
                         std::move(make_text)));
}

TextHttpServer::TextHttpServer(int listen_fd, int wake_fd, int port, std::string path,
                               std::function<std::string()> make_text)
    : listen_fd_(listen_fd),
      wake_fd_(wake_fd),
      port_(port),
      path_(std::move(path)),
      make_text_(std::move(make_text)),
      thread_([this] { Run(); }) {}

TextHttpServer::~TextHttpServer() {
  eventfd_write(wake_fd_, 1);
  thread_.join();
  close(listen_fd_);
  close(wake_fd_);
}

void TextHttpServer::Run() {
  pollfd events[] = {{.fd = wake_fd_, .events = POLLIN, .revents = 0},
                     {.fd = listen_fd_, .events = POLLIN, .revents = 0}};
  while (true) {
    poll(events, 2, -1);
    if (events[0].revents != 0) return;
    const int connection = accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) {
      // Without a free descriptor the listening socket stays readable: do not spin on it.
      if (Await(wake_fd_, POLLIN, absl::Now() + kAcceptPause)) return;
      continue;
    }
    Serve(connection);
    close(connection);
  }
}

void TextHttpServer::Serve(int connection) const {
  const absl::Time deadline = absl::Now() + kClientTime;
  const std::string request = ReadRequest(connection, deadline);
  if (!request.empty()) Send(connection, Respond(request), deadline);
}

std::string TextHttpServer::Respond(const std::string& request) const {
  const size_t method_end = request.find(' ');
  const size_t target_end = request.find_first_of(" ?\r", method_end + 1);
  if (request.substr(0, method_end) != "GET") return Response("405 Method Not Allowed", "");
  if (request.substr(method_end + 1, target_end - method_end - 1) != path_) {
    return Response("404 Not Found", absl::StrCat("see ", path_, "\n"));
  }
  return Response("200 OK", make_text_());
}

}  // namespace sr2l
