#include "common/metrics/metrics_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <prometheus/counter.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

sockaddr_in LoopbackPeer(const std::string& address) {
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  inet_pton(AF_INET, "127.0.0.1", &peer.sin_addr);
  return peer;
}

// The answer to `request`; empty when nobody listens, or answers.
std::string Send(const std::string& address, const std::string& request) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  const timeval limit = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in peer = LoopbackPeer(address);
  std::string answer;
  if (connect(socket_fd, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0) {
    EXPECT_EQ(send(socket_fd, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    char part[4096];
    for (ssize_t size; (size = read(socket_fd, part, sizeof(part))) > 0;) answer.append(part, size);
  }
  close(socket_fd);
  return answer;
}

std::string HttpGet(const std::string& address, const std::string& path) {
  return Send(address,
              "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

std::unique_ptr<MetricsServer> StartServer(std::shared_ptr<prometheus::Registry> registry) {
  auto server = MetricsServer::Start("127.0.0.1:0", "sr2l-test", std::move(registry));
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

TEST(MetricsServerTest, ServesTheRegistryTheProcessAndTheBuild) {
  const auto registry = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter()
      .Name("sr2l_test_steps_total")
      .Help("Steps.")
      .Register(*registry)
      .Add({})
      .Increment(3);
  const auto server = StartServer(registry);
  ASSERT_NE(server, nullptr);
  EXPECT_THAT(server->address(), testing::StartsWith("127.0.0.1:"));
  EXPECT_NE(server->address(), "127.0.0.1:0");
  const std::string answer = HttpGet(server->address(), "/metrics");
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 200"));
  for (const char* line :
       {"# TYPE sr2l_test_steps_total counter", "sr2l_test_steps_total 3",
        "# TYPE process_cpu_seconds_total counter", "# TYPE process_resident_memory_bytes gauge",
        "# TYPE process_virtual_memory_bytes gauge", "# TYPE process_open_fds gauge",
        "# TYPE process_start_time_seconds gauge", "# TYPE sr2l_build_info gauge"}) {
    EXPECT_THAT(answer, HasSubstr(line));
  }
  EXPECT_THAT(answer,
              ContainsRegex("sr2l_build_info\\{process=\"sr2l-test\",version=\"[0-9.]+\"\\} 1"));
}

double ValueOf(const std::string& answer, const std::string& metric) {
  const size_t at = answer.find("\n" + metric + " ");
  EXPECT_NE(at, std::string::npos) << metric;
  return at == std::string::npos ? -1 : std::stod(answer.substr(at + metric.size() + 2));
}

TEST(MetricsServerTest, TheProcessMetricsArePlausible) {
  const auto server = StartServer(std::make_shared<prometheus::Registry>());
  ASSERT_NE(server, nullptr);
  const std::string answer = HttpGet(server->address(), "/metrics");
  const double now = static_cast<double>(time(nullptr));
  EXPECT_GT(ValueOf(answer, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(ValueOf(answer, "process_virtual_memory_bytes"),
            ValueOf(answer, "process_resident_memory_bytes"));
  EXPECT_GE(ValueOf(answer, "process_open_fds"), 3);
  EXPECT_GE(ValueOf(answer, "process_cpu_seconds_total"), 0);
  EXPECT_NEAR(ValueOf(answer, "process_start_time_seconds"), now, 3600);
}

TEST(MetricsServerTest, AnAddressThatCannotBeBoundIsUnavailable) {
  const auto server = StartServer(std::make_shared<prometheus::Registry>());
  ASSERT_NE(server, nullptr);
  for (const std::string& address : {server->address(), std::string("no.such.host.invalid:1")}) {
    const auto second =
        MetricsServer::Start(address, "second", std::make_shared<prometheus::Registry>());
    EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
  }
}

TEST(MetricsServerTest, NobodyListensAfterItIsGone) {
  auto server = StartServer(std::make_shared<prometheus::Registry>());
  ASSERT_NE(server, nullptr);
  const std::string address = server->address();
  server.reset();
  EXPECT_EQ(HttpGet(address, "/metrics"), "");
}

TEST(MetricsServerTest, OtherPathsAndMethodsAreRefused) {
  const auto server = StartServer(std::make_shared<prometheus::Registry>());
  ASSERT_NE(server, nullptr);
  EXPECT_THAT(HttpGet(server->address(), "/"), testing::StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(HttpGet(server->address(), "/metrics?x=1"), testing::StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Send(server->address(), "POST /metrics HTTP/1.1\r\n\r\n"),
              testing::StartsWith("HTTP/1.1 405"));
}

TEST(MetricsServerTest, NonsenseGetsNoAnswerAndHurtsNobody) {
  const auto server = StartServer(std::make_shared<prometheus::Registry>());
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(Send(server->address(), std::string(20000, 'x')), "");
  EXPECT_EQ(Send(server->address(), ""), "");  // says nothing, until its time is over
  EXPECT_THAT(Send(server->address(), "\r\n\r\n"), testing::StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(HttpGet(server->address(), "/metrics"), testing::StartsWith("HTTP/1.1 200"));
}

double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST(MetricsServerTest, WithoutAFreeDescriptorItWaitsInsteadOfSpinningAndRecovers) {
  const auto server = StartServer(std::make_shared<prometheus::Registry>());
  ASSERT_NE(server, nullptr);
  ASSERT_THAT(HttpGet(server->address(), "/metrics"), testing::StartsWith("HTTP/1.1 200"));
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  rlimit usual;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
  // The lowest free descriptor was the client's: the next one is one too many. (Less would
  // make poll fail as well.)
  const rlimit none = {.rlim_cur = static_cast<rlim_t>(client) + 1, .rlim_max = usual.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const double before = CpuSeconds();
  const std::string request = "GET /metrics HTTP/1.1\r\n\r\n";
  const timeval patience = {.tv_sec = 1, .tv_usec = 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in peer = LoopbackPeer(server->address());
  EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)), 0);
  EXPECT_EQ(send(client, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  char answer[12];
  EXPECT_EQ(read(client, answer, sizeof(answer)), -1);  // for a second
  const double spent = CpuSeconds() - before;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_LT(spent, 0.2);
  const timeval long_enough = {.tv_sec = 30, .tv_usec = 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &long_enough, sizeof(long_enough));
  EXPECT_EQ(read(client, answer, sizeof(answer)), static_cast<ssize_t>(sizeof(answer)));
  EXPECT_EQ(std::string(answer, sizeof(answer)), "HTTP/1.1 200");
  close(client);
}

}  // namespace
}  // namespace sr2l
