#include "tests/common/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sr2l {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

void Socket::Reset() {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  Close();
}

Socket ConnectTo(const std::string& address) {
  const sockaddr_in peer = Loopback(std::stoi(address.substr(address.rfind(':') + 1)));
  Socket connection(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof(peer)) != 0) {
    connection.Close();
  }
  return connection;
}

Socket ListenOnLoopback(std::string& address) {
  Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in local = Loopback(0);
  socklen_t size = sizeof(local);
  auto* const name = reinterpret_cast<sockaddr*>(&local);
  EXPECT_EQ(bind(listener.get(), name, size), 0);
  EXPECT_EQ(listen(listener.get(), SOMAXCONN), 0);
  EXPECT_EQ(getsockname(listener.get(), name, &size), 0);
  address = "127.0.0.1:" + std::to_string(ntohs(local.sin_port));
  return listener;
}

void SetNonBlocking(const Socket& socket) {
  fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace sr2l
