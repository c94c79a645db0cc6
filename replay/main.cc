// sr2l-replay: keeps the steps that actors take until a learner has learned from them.
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/time/clock.h"
#include "common/chunk/chunk_format.h"
#include "common/daemon/daemon_flags.h"
#include "common/daemon/shutdown_signal.h"
#include "common/log/log.h"
#include "common/rpc/server.h"
#include "common/status/status_macros.h"
#include "replay/core/durable_log.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_service.h"
#include "replay/service/scraped_registry.h"

namespace sr2l {
namespace {

struct ReplayFlags {
  std::string listen;
  uint64_t memory_mib = 2048;
  std::string log;  // folder; empty: in memory
  LogSync log_sync = LogSync::kInterval;
  uint32_t log_sync_interval_ms = 100;
  DaemonFlags daemon;
};

absl::StatusOr<std::unique_ptr<TrajectoryLog>> OpenLog(const ReplayFlags& flags) {
  const uint64_t byte_budget = flags.memory_mib << 20;
  if (flags.log.empty()) {
    SR2L_WARNING("without --log the steps end with the process");
    return std::make_unique<MemoryLog>(byte_budget);
  }
  const absl::Time begin = absl::Now();
  SR2L_ASSIGN_OR_RETURN(
      std::unique_ptr<DurableLog> log,
      DurableLog::Open({.folder = flags.log,
                        .byte_budget = byte_budget,
                        .sync = {.mode = flags.log_sync,
                                 .interval = absl::Milliseconds(flags.log_sync_interval_ms)}}));
  SR2L_INFO("read the log {} in {}", flags.log, absl::FormatDuration(absl::Now() - begin));
  return log;
}

absl::Status Serve(const ReplayFlags& flags, ShutdownSignal& shutdown) {
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<TrajectoryLog> log, OpenLog(flags));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ReplayStore> store, ReplayStore::Open(*log));
  const auto registry = std::make_shared<ScrapedRegistry>();
  ReplayMetrics replay_metrics(*registry);
  ReplayService service(*store, replay_metrics);
  registry->OnScrape([&] { replay_metrics.Set(store->Totals(absl::Now())); });
  SR2L_ASSIGN_OR_RETURN(
      const std::unique_ptr<RpcServer> server,
      RpcServer::Start(flags.listen, flags.daemon.security, {&service}, kMaxReplayMessageBytes));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<MetricsServer> metrics,
                        StartMetrics(flags.daemon, "replay", registry));
  SR2L_RETURN_IF_ERROR(WriteAddressFile(flags.daemon, server->address(), metrics.get()));
  SR2L_INFO("listening on {}, holding up to {} MiB", server->address(), flags.memory_mib);
  shutdown.Wait();
  SR2L_INFO("shutting down");
  server->Shutdown();
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  ShutdownSignal shutdown;
  ReplayFlags flags;
  CLI::App app("Keeps the steps that actors take until a learner has learned from them.",
               "sr2l-replay");
  app.add_option("--listen", flags.listen, "unix:/path or host:port (port 0: a free one)")
      ->required();
  app.add_option("--memory-mib", flags.memory_mib, "Most memory for steps, MiB")
      ->check(CLI::Range(uint64_t{16}, uint64_t{1} << 20))
      ->capture_default_str();
  app.add_option("--log", flags.log,
                 "Folder to keep the steps in; absent: they end with the process");
  app.add_option("--log-sync", flags.log_sync,
                 "When steps reach the disk: commit (before they are acknowledged), interval, none")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, LogSync>{{"commit", LogSync::kCommit},
                                                                 {"interval", LogSync::kInterval},
                                                                 {"none", LogSync::kNone}}))
      ->default_str("interval");
  app.add_option("--log-sync-interval-ms", flags.log_sync_interval_ms,
                 "With interval: how long steps may wait for the disk, milliseconds")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  AddDaemonFlags(app, flags.daemon);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  InitializeLog("replay", flags.daemon.log_format);
  const absl::Status status = Serve(flags, shutdown);
  if (status.ok()) return 0;
  SR2L_ERROR("{}", std::string(status.message()));
  return 1;
}

}  // namespace
}  // namespace sr2l

int main(int argc, char** argv) { return sr2l::Main(argc, argv); }
