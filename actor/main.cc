// sr2l-actor: simulates tasks with the policies of a learner and streams the steps to a
// replay. Any number of them may run, anywhere, come and go at any time.
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "actor/environment/mujoco_call.h"
#include "actor/fleet/actor_loop.h"
#include "actor/fleet/actor_metrics.h"
#include "common/daemon/daemon_flags.h"
#include "common/daemon/shutdown_signal.h"
#include "common/log/log.h"
#include "common/rpc/credentials.h"
#include "common/rpc/server.h"
#include "common/status/status_macros.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {
namespace {

// How long a stopping actor waits for the replay's answers to what it sent last.
constexpr absl::Duration kFlushTimeout = absl::Seconds(5);

struct ActorFlags {
  std::string listen;  // empty: serves nothing
  std::string learner;
  std::string replay;
  std::string name;
  uint32_t max_streams = v1::JoinRequest().max_streams();
  DaemonFlags daemon;
};

std::string DefaultName() {
  char host[64] = "";
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, "-", getpid());
}

// Health checks and reflection; a null pointer unless they were asked for.
absl::StatusOr<std::unique_ptr<RpcServer>> StartServer(const ActorFlags& flags) {
  if (flags.listen.empty()) return nullptr;
  return RpcServer::Start(flags.listen, flags.daemon.security, {});
}

absl::Status Drive(const ActorFlags& flags, ShutdownSignal& shutdown) {
  const auto registry = std::make_shared<prometheus::Registry>();
  ActorMetrics actor_metrics(*registry);
  SR2L_ASSIGN_OR_RETURN(const auto learner, MakeChannel(flags.learner, flags.daemon.security));
  SR2L_ASSIGN_OR_RETURN(const auto replay, MakeChannel(flags.replay, flags.daemon.security));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<MetricsServer> metrics,
                        StartMetrics(flags.daemon, "actor", registry));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<RpcServer> server, StartServer(flags));
  SR2L_RETURN_IF_ERROR(WriteAddressFile(flags.daemon, server == nullptr ? "" : server->address(),
                                        metrics.get()));
  const ActorLoopOptions options = {.name = flags.name,
                                    .max_streams = flags.max_streams,
                                    .jitter_seed = std::hash<std::string>()(flags.name)};
  ActorLoop loop(learner, replay, options, actor_metrics);
  SR2L_INFO("{} drives up to {} streams for {}, steps go to {} (MuJoCo {})", flags.name,
            flags.max_streams, flags.learner, flags.replay, MujocoVersion());
  shutdown.Wait();
  SR2L_INFO("shutting down");
  if (server != nullptr) server->Shutdown();
  loop.Stop(kFlushTimeout);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  ShutdownSignal shutdown;
  ActorFlags flags;
  flags.name = DefaultName();
  CLI::App app("Simulates tasks with a learner's policies and streams the steps to a replay.",
               "sr2l-actor");
  app.add_option("--learner", flags.learner, "Address of the learner: unix:/path or host:port")
      ->required();
  app.add_option("--replay", flags.replay, "Address of the replay: unix:/path or host:port")
      ->required();
  app.add_option("--listen", flags.listen,
                 "Answer gRPC health checks at unix:/path or host:port (port 0: a free one)");
  app.add_option("--name", flags.name, "Name for people, 1 to 128 characters")
      ->check([](const std::string& name) {
        return name.empty() || name.size() > 128 ? "must have 1 to 128 characters" : "";
      })
      ->capture_default_str();
  app.add_option("--max-streams", flags.max_streams, "Most streams to drive")
      ->check(CLI::Range(1u, 100000u))
      ->capture_default_str();
  AddDaemonFlags(app, flags.daemon);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  InitializeLog("actor", flags.daemon.log_format);
  const absl::Status status = Drive(flags, shutdown);
  if (status.ok()) return 0;
  SR2L_ERROR("{}", std::string(status.message()));
  return 1;
}

}  // namespace
}  // namespace sr2l

int main(int argc, char** argv) { return sr2l::Main(argc, argv); }
