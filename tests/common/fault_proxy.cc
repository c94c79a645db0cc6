#include "tests/common/fault_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace sr2l {
namespace {

constexpr size_t kMaxPending = 64 << 10;

// Appends what can be read at once. False: a reset.
bool ReadSome(const Socket& socket, std::string& bytes, bool& read_all) {
  char part[16 << 10];
  while (!read_all && bytes.size() < kMaxPending) {
    const ssize_t count = recv(socket.get(), part, sizeof(part), 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) read_all = true;
    bytes.append(part, static_cast<size_t>(count));
  }
  return true;
}

// Takes away what can be written at once. False: a reset.
bool WriteSome(const Socket& socket, std::string& bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    bytes.erase(0, static_cast<size_t>(count));
  }
  return true;
}

}  // namespace

FaultProxy::FaultProxy(const std::string& target)
    : target_(target),
      listener_(ListenOnLoopback(address_)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  SetNonBlocking(listener_);
  thread_ = std::thread([this] { Run(); });
}

FaultProxy::~FaultProxy() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
  }
  Wake();
  thread_.join();
}

void FaultProxy::Wake() { eventfd_write(wake_.get(), 1); }

void FaultProxy::SetMode(Mode mode) {
  {
    absl::MutexLock lock(&mu_);
    mode_ = mode;
  }
  Wake();
}

void FaultProxy::Pass() { SetMode(Mode::kPass); }

void FaultProxy::Stall() { SetMode(Mode::kStall); }

void FaultProxy::Cut() {
  SetMode(Mode::kCut);
  {
    absl::MutexLock lock(&mu_);
    for (Connection& connection : connections_) {
      connection.client.socket.Reset();
      connection.server.socket.Reset();
    }
    connections_.clear();
  }
  // A socket that the other thread waits for is not closed, and its peer not told, before that
  // wait is over.
  Wake();
}

void FaultProxy::Vanish() {
  {
    absl::MutexLock lock(&mu_);
    last_farewell_ = absl::ZeroDuration();
    for (Connection& connection : connections_) {
      if (!connection.vanished.has_value()) connection.vanished = absl::Now();
    }
  }
  Wake();
}

int FaultProxy::num_connections() const {
  absl::MutexLock lock(&mu_);
  return static_cast<int>(
      std::count_if(connections_.begin(), connections_.end(),
                    [](const Connection& connection) { return !connection.vanished; }));
}

std::optional<absl::Duration> FaultProxy::last_farewell() const {
  absl::MutexLock lock(&mu_);
  for (const Connection& connection : connections_) {
    if (connection.vanished.has_value()) return std::nullopt;
  }
  return last_farewell_;
}

void FaultProxy::Run() {
  while (true) {
    Wait();
    absl::MutexLock lock(&mu_);
    if (closed_) return;
    if (mode_ == Mode::kStall) continue;
    AcceptAll();
    for (auto next = connections_.begin(); next != connections_.end();) {
      const auto connection = next++;
      const bool open =
          connection->vanished.has_value() ? Swallow(*connection) : Forward(*connection);
      if (!open) connections_.erase(connection);
    }
  }
}

void FaultProxy::Wait() {
  std::vector<pollfd> wanted = {{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  const auto want = [&wanted](const End& end, const End& other, bool vanished) {
    const bool reads = !end.read_all && (vanished || end.pending.size() < kMaxPending);
    const bool writes = !vanished && !other.pending.empty();
    if (!end.socket.valid() || !(reads || writes)) return;
    const short events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
    wanted.push_back({.fd = end.socket.get(), .events = events, .revents = 0});
  };
  {
    absl::MutexLock lock(&mu_);
    if (mode_ != Mode::kStall) {
      wanted.push_back({.fd = listener_.get(), .events = POLLIN, .revents = 0});
      for (const Connection& connection : connections_) {
        const bool vanished = connection.vanished.has_value();
        want(connection.client, connection.server, vanished);
        want(connection.server, connection.client, vanished);
      }
    }
  }
  poll(wanted.data(), wanted.size(), -1);
  eventfd_t count = 0;
  eventfd_read(wake_.get(), &count);
}

void FaultProxy::AcceptAll() {
  while (true) {
    Socket client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) return;
    Socket server = mode_ == Mode::kPass ? ConnectTo(target_) : Socket();
    if (!server.valid()) {
      client.Reset();
      continue;
    }
    SetNonBlocking(client);
    SetNonBlocking(server);
    Connection& connection = connections_.emplace_back();
    connection.client.socket = std::move(client);
    connection.server.socket = std::move(server);
  }
}

bool FaultProxy::Forward(Connection& connection) {
  End& client = connection.client;
  End& server = connection.server;
  if (!ForwardOneWay(client, server) || !ForwardOneWay(server, client)) {
    client.socket.Reset();
    server.socket.Reset();
    return false;
  }
  return !(client.told_end && server.told_end);
}

bool FaultProxy::ForwardOneWay(End& from, End& to) {
  if (!ReadSome(from.socket, from.pending, from.read_all)) return false;
  if (!WriteSome(to.socket, from.pending)) return false;
  if (from.read_all && from.pending.empty() && !to.told_end) {
    shutdown(to.socket.get(), SHUT_WR);
    to.told_end = true;
  }
  return true;
}

bool FaultProxy::Swallow(Connection& connection) {
  for (End* const end : {&connection.client, &connection.server}) {
    if (!end->socket.valid()) continue;
    bool reset = false;
    do {
      end->pending.clear();
      reset = !ReadSome(end->socket, end->pending, end->read_all);
    } while (!reset && !end->pending.empty());
    if (!reset && !end->read_all) continue;
    last_farewell_ = std::max(last_farewell_, absl::Now() - *connection.vanished);
    end->socket.Close();
  }
  return connection.client.socket.valid() || connection.server.socket.valid();
}

}  // namespace sr2l
