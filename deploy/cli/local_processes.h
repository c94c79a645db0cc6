#ifndef SR2L_DEPLOY_CLI_LOCAL_PROCESSES_H_
#define SR2L_DEPLOY_CLI_LOCAL_PROCESSES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "deploy/cli/run_folder.h"
#include "deploy/cli/supervisor.h"

namespace sr2l {

// The service on one machine for one run: one replay, one learner and some actors, which
// talk over Unix sockets in the run's folder. Not thread-safe.
class LocalProcesses {
 public:
  struct Options {
    std::string binaries;      // folder of sr2l-replay, sr2l-learner and sr2l-actor
    int num_actors = 1;
    int max_streams = 1;       // that each actor can drive: all, so that one is enough
    std::string device = "cpu";
    uint64_t replay_memory_mib = 0;  // most memory of the replay; 0: its own default
    double checkpoint_seconds = 10;  // between checkpoints of the learner
    bool metrics = false;      // serve each process' metrics on a free loopback port
  };

  // `folder` and `supervisor` are borrowed.
  LocalProcesses(const RunFolder& folder, Options options, Supervisor& supervisor)
      : folder_(folder), options_(std::move(options)), supervisor_(supervisor) {}

  // Starts all; returns when replay and learner serve (with metrics: all of them).
  absl::Status Start();

  // Asks all to stop: actors first, then the learner, then the replay it writes to.
  // Kills what does not, and everything at once at a further interrupt.
  void Stop();

  std::string learner_address() const { return folder_.SocketAddress("learner"); }

  // Process and host:port of its metrics, of every process that serves them.
  std::vector<std::pair<std::string, std::string>> MetricsAddresses() const;

 private:
  absl::Status Launch(const std::string& program, const std::string& name,
                      std::vector<std::string> arguments, Supervisor::Role role);
  absl::Status StartReplay();
  absl::Status AwaitReady(const std::string& name);
  absl::Status StartActors();

  const RunFolder& folder_;
  const Options options_;
  Supervisor& supervisor_;
  std::vector<std::string> actors_;  // names
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_LOCAL_PROCESSES_H_
