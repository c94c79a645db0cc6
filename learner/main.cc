// sr2l-learner: runs submitted experiments, leases streams to actors, publishes policies.

#include <fcntl.h>
#include <sys/file.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "common/daemon/daemon_flags.h"
#include "common/daemon/shutdown_signal.h"
#include "common/log/log.h"
#include "common/rpc/server.h"
#include "common/status/status_macros.h"
#include "learner/service/experiment_queue.h"
#include "learner/service/experiment_service.h"
#include "learner/service/experiment_store.h"
#include "learner/fleet/fleet.h"
#include "learner/service/fleet_service.h"
#include "learner/service/service_metrics.h"
#include "learner/training/learner_metrics.h"
#include "learner/training/trainer.h"
#include "replay/client/replay_client.h"

namespace sr2l {
namespace {

struct LearnerFlags {
  std::string listen;
  std::string replay;
  std::string state;
  bool single_run = false;
  TrainerOptions trainer;
  DaemonFlags daemon;
};

// One learner per state folder: takes a lock that ends with the process.
absl::Status LockState(const std::string& state) {
  const int file = open((state + "/lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  return absl::UnavailableError("--state " + state + ": another learner uses this folder");
}

absl::Status Serve(const LearnerFlags& flags, ShutdownSignal& shutdown) {
  SR2L_RETURN_IF_ERROR(CheckDevice(flags.trainer.device));
  std::error_code error;
  std::filesystem::create_directories(flags.state, error);
  if (error) {
    return absl::UnavailableError("cannot create --state " + flags.state + ": " +
                                  error.message());
  }
  SR2L_RETURN_IF_ERROR(LockState(flags.state));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ExperimentStore> store,
                        ExperimentStore::Open(flags.state + "/experiments.db"));
  SR2L_ASSIGN_OR_RETURN(const uint64_t generation, store->NextGeneration());
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ReplayClient> replay,
                        ReplayClient::Create(flags.replay, flags.daemon.security));

  const auto registry = std::make_shared<prometheus::Registry>();
  LearnerMetrics learner_metrics(*registry);
  ServiceMetrics service_metrics(*registry);
  Fleet fleet(generation);
  Trainer trainer(flags.trainer, *replay, fleet, learner_metrics,
                  [&store](const std::string& id) { return store->IsOver(id); });
  SR2L_ASSIGN_OR_RETURN(
      const std::unique_ptr<ExperimentQueue> queue,
      ExperimentQueue::Start({.state_path = flags.state, .single_run = flags.single_run}, *store,
                             trainer));
  FleetService fleet_service(fleet);
  ExperimentService experiment_service(*queue, fleet);
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<RpcServer> server,
                        RpcServer::Start(flags.listen, flags.daemon.security,
                                         {&fleet_service, &experiment_service}));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<MetricsServer> metrics,
                        StartMetrics(flags.daemon, "learner", registry));
  SR2L_RETURN_IF_ERROR(WriteAddressFile(flags.daemon, server->address(), metrics.get()));
  SR2L_INFO("listening on {}, training on {} with {} thread(s)", server->address(),
            flags.trainer.device, flags.trainer.threads);

  do {
    service_metrics.Update(fleet, *store);
  } while (!shutdown.Wait(absl::Seconds(1)));
  SR2L_INFO("shutting down");
  queue->Shutdown();
  server->Shutdown();
  return absl::OkStatus();
}

}  // namespace
}  // namespace sr2l

int main(int argc, char** argv) {
  sr2l::ShutdownSignal shutdown;
  sr2l::LearnerFlags flags;
  flags.trainer.device = "cpu";
  flags.trainer.threads = static_cast<int>(std::thread::hardware_concurrency());
  CLI::App app("sr2l-learner: trains submitted experiments on experience from actors.");
  app.add_option("--listen", flags.listen, "Address to serve: unix:/path or host:port")
      ->required();
  app.add_option("--replay", flags.replay, "Address of sr2l-replay")->required();
  app.add_option("--state", flags.state, "Folder for experiments and their results")->required();
  app.add_flag("--single-run", flags.single_run,
               "Results lie in the state folder itself instead of experiments/<id>");
  app.add_option("--device", flags.trainer.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", flags.trainer.threads,
                 "Groups of members that are trained at the same time on the CPU")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  double checkpoint_seconds = absl::ToDoubleSeconds(flags.trainer.checkpoint_interval);
  app.add_option("--checkpoint-interval", checkpoint_seconds,
                 "Seconds between checkpoints of a group of members")
      ->check(CLI::Range(0.01, 86400.0))
      ->capture_default_str();
  sr2l::AddDaemonFlags(app, flags.daemon);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  flags.trainer.checkpoint_interval = absl::Seconds(checkpoint_seconds);
  sr2l::InitializeLog("learner", flags.daemon.log_format);
  sr2l::UseOneThreadPerOperation();
  const absl::Status status = sr2l::Serve(flags, shutdown);
  if (!status.ok()) {
    SR2L_ERROR("{}", std::string(status.message()));
    return 1;
  }
  return 0;
}
