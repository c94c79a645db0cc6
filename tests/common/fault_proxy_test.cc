#include "tests/common/fault_proxy.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "absl/time/clock.h"
#include "tests/common/socket.h"

namespace sr2l {
namespace {

// What comes within `limit`; empty: nothing, or the end.
std::string Receive(const Socket& socket, absl::Duration limit) {
  const timeval timeout = absl::ToTimeval(limit);
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  char bytes[64];
  const ssize_t count = recv(socket.get(), bytes, sizeof(bytes), 0);
  return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : "";
}

void Send(const Socket& socket, const std::string& bytes) {
  EXPECT_EQ(send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

constexpr absl::Duration kLong = absl::Seconds(10);
constexpr absl::Duration kShort = absl::Milliseconds(50);

class FaultProxyTest : public testing::Test {
 protected:
  // A new connection through the proxy.
  void Connect() {
    client_ = ConnectTo(proxy_.address());
    server_ = Socket(accept(listener_.get(), nullptr, nullptr));
    Send(client_, "hello");
    ASSERT_EQ(Receive(server_, kLong), "hello");
  }

  std::string target_;
  Socket listener_ = ListenOnLoopback(target_);
  FaultProxy proxy_{target_};
  Socket client_;
  Socket server_;
};

TEST_F(FaultProxyTest, BytesAndTheEndPassBothWays) {
  Connect();
  Send(server_, "answer");
  EXPECT_EQ(Receive(client_, kLong), "answer");
  shutdown(client_.get(), SHUT_WR);
  EXPECT_EQ(Receive(server_, kLong), "");
  Send(server_, "last");
  EXPECT_EQ(Receive(client_, kLong), "last");
}

TEST_F(FaultProxyTest, ACutResetsOldAndNewConnectionsUntilPass) {
  Connect();
  proxy_.Cut();
  char byte;
  EXPECT_EQ(recv(client_.get(), &byte, 1, 0), -1);
  const Socket refused = ConnectTo(proxy_.address());
  EXPECT_NE(recv(refused.get(), &byte, 1, 0), 1);
  proxy_.Pass();
  Connect();
}

TEST_F(FaultProxyTest, AStallHoldsBytesBackUntilPass) {
  Connect();
  proxy_.Stall();
  Send(client_, "late");
  EXPECT_EQ(Receive(server_, kShort), "");
  proxy_.Pass();
  EXPECT_EQ(Receive(server_, kLong), "late");
}

TEST_F(FaultProxyTest, AVanishedConnectionSwallowsEverythingAndNewOnesPass) {
  Connect();
  proxy_.Vanish();
  Send(client_, "lost");
  EXPECT_EQ(Receive(server_, kShort), "");
  EXPECT_EQ(proxy_.last_farewell(), std::nullopt);
  client_.Close();
  EXPECT_EQ(Receive(server_, kShort), "");
  Send(server_, "nobody");
  server_.Close();
  while (!proxy_.last_farewell().has_value()) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_GE(*proxy_.last_farewell(), kShort);
  Connect();
  EXPECT_EQ(proxy_.num_connections(), 1);
}

}  // namespace
}  // namespace sr2l
