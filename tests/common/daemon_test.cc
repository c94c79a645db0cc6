#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/daemon/daemon_flags.h"
#include "common/daemon/shutdown_signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sr2l {
namespace {

// Parses a command line, last argument first, as CLI11 wants it.
DaemonFlags Parse(std::vector<std::string> reversed) {
  CLI::App app;
  DaemonFlags flags;
  AddDaemonFlags(app, flags);
  app.parse(std::move(reversed));
  return flags;
}

TEST(DaemonFlagsTest, NothingGivenMeansNoMetricsAndNoTls) {
  const DaemonFlags flags = Parse({});
  EXPECT_EQ(flags.metrics_address, "");
  EXPECT_EQ(flags.log_format, LogFormat::kText);
  EXPECT_FALSE(flags.security.has_tls());
  EXPECT_FALSE(flags.security.insecure);
  const auto metrics = StartMetrics(flags, "test", std::make_shared<prometheus::Registry>());
  ASSERT_TRUE(metrics.ok());
  EXPECT_EQ(*metrics, nullptr);
  EXPECT_EQ(WriteAddressFile(flags, "unix:/x", nullptr), absl::OkStatus());
}

TEST(DaemonFlagsTest, FlagsArriveWhereTheyBelong) {
  const DaemonFlags flags = Parse({"--insecure", "key.pem", "--tls-key", "crt.pem",
                                   "--tls-certificate", "ca.pem", "--tls-ca", "json",
                                   "--log-format", "127.0.0.1:0", "--metrics"});
  EXPECT_EQ(flags.metrics_address, "127.0.0.1:0");
  EXPECT_EQ(flags.log_format, LogFormat::kJson);
  EXPECT_EQ(flags.security.ca_file, "ca.pem");
  EXPECT_EQ(flags.security.certificate_file, "crt.pem");
  EXPECT_EQ(flags.security.key_file, "key.pem");
  EXPECT_TRUE(flags.security.insecure);
  EXPECT_THROW(Parse({"xml", "--log-format"}), CLI::ValidationError);
}

TEST(DaemonFlagsTest, TheAddressFileHoldsWhatIsServed) {
  std::string pattern = (std::filesystem::temp_directory_path() / "sr2l_daemon_XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(pattern.data());
  const DaemonFlags flags =
      Parse({(folder / "address").string(), "--address-file", "127.0.0.1:0", "--metrics"});
  auto metrics = StartMetrics(flags, "test", std::make_shared<prometheus::Registry>());
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_EQ(WriteAddressFile(flags, "unix:/x", metrics->get()), absl::OkStatus());
  std::ifstream file(folder / "address");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text, "listen=unix:/x\nmetrics=" + (*metrics)->address() + "\n");

  DaemonFlags unwritable = flags;
  unwritable.address_file = (folder / "none" / "address").string();
  EXPECT_EQ(WriteAddressFile(unwritable, "unix:/x", nullptr).code(),
            absl::StatusCode::kUnavailable);
  std::filesystem::remove_all(folder);
}

TEST(ShutdownSignalTest, BothSignalsAreWaitedForAndNeitherKills) {
  ShutdownSignal shutdown;
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_FALSE(shutdown.Wait(absl::ZeroDuration()));
    kill(getpid(), signal);
    EXPECT_TRUE(shutdown.Wait(absl::Seconds(10)));
  }
  kill(getpid(), SIGTERM);
  EXPECT_TRUE(shutdown.Wait());
}

TEST(ShutdownSignalTest, ThreadsStartedLaterLeaveTheSignalsToTheWaiter) {
  ShutdownSignal shutdown;
  std::thread sender([] { kill(getpid(), SIGTERM); });
  EXPECT_TRUE(shutdown.Wait(absl::Seconds(10)));
  sender.join();
}

TEST(ShutdownSignalTest, ABrokenPipeIsAnErrorAndNotTheEnd) {
  ShutdownSignal shutdown;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

}  // namespace
}  // namespace sr2l
