#include "deploy/cli/local_processes.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// Long enough for a GPU's libraries on a cold disk; a process that ends is noticed at once.
constexpr absl::Duration kReadyTimeout = absl::Minutes(2);
constexpr absl::Duration kStopGrace = absl::Seconds(10);
// A learner does not break off the update that it is in.
constexpr absl::Duration kLearnerStopGrace = absl::Minutes(1);

}  // namespace

absl::Status LocalProcesses::Start() {
  SR2L_RETURN_IF_ERROR(StartReplay());
  SR2L_RETURN_IF_ERROR(
      Launch("sr2l-learner", "learner",
             {"--listen", folder_.SocketAddress("learner"), "--replay",
              folder_.SocketAddress("replay"), "--state", folder_.path(), "--single-run",
              "--device", options_.device, "--checkpoint-interval",
              absl::StrCat(options_.checkpoint_seconds)},
             Supervisor::Role::kEssential));
  SR2L_RETURN_IF_ERROR(AwaitReady("learner"));
  return StartActors();
}

absl::Status LocalProcesses::StartReplay() {
  std::vector<std::string> arguments = {"--listen", folder_.SocketAddress("replay"), "--log",
                                        folder_.ReplayLog()};
  if (options_.replay_memory_mib > 0) {
    arguments.insert(arguments.end(),
                     {"--memory-mib", absl::StrCat(options_.replay_memory_mib)});
  }
  SR2L_RETURN_IF_ERROR(
      Launch("sr2l-replay", "replay", std::move(arguments), Supervisor::Role::kEssential));
  // However long its log is: the end of the process is noticed.
  return supervisor_.AwaitFile("replay", folder_.AddressFile("replay"), absl::InfiniteFuture(),
                               "reads its log");
}

absl::Status LocalProcesses::StartActors() {
  for (int i = 0; i < options_.num_actors; ++i) {
    const std::string name = absl::StrCat("actor-", i);
    actors_.push_back(name);
    SR2L_RETURN_IF_ERROR(
        Launch("sr2l-actor", name,
               {"--learner", folder_.SocketAddress("learner"), "--replay",
                folder_.SocketAddress("replay"), "--listen", folder_.SocketAddress(name),
                "--name", name, "--max-streams", absl::StrCat(options_.max_streams)},
               Supervisor::Role::kReplaceable));
  }
  if (!options_.metrics) return absl::OkStatus();
  for (const std::string& name : actors_) SR2L_RETURN_IF_ERROR(AwaitReady(name));
  return absl::OkStatus();
}

absl::Status LocalProcesses::Launch(const std::string& program, const std::string& name,
                                    std::vector<std::string> arguments,
                                    Supervisor::Role role) {
  arguments.insert(arguments.end(), {"--address-file", folder_.AddressFile(name)});
  if (options_.metrics) arguments.insert(arguments.end(), {"--metrics", "127.0.0.1:0"});
  return supervisor_.Start({.name = name,
                            .program = absl::StrCat(options_.binaries, "/", program),
                            .arguments = std::move(arguments),
                            .log_path = folder_.Log(name),
                            .kept_fd = folder_.lock_fd()},
                           role);
}

absl::Status LocalProcesses::AwaitReady(const std::string& name) {
  return supervisor_.AwaitFile(name, folder_.AddressFile(name), absl::Now() + kReadyTimeout);
}

void LocalProcesses::Stop() {
  const int interrupts_before = supervisor_.interrupts();
  const std::vector<std::pair<std::vector<std::string>, absl::Duration>> stages = {
      {actors_, kStopGrace}, {{"learner"}, kLearnerStopGrace}, {{"replay"}, kStopGrace}};
  for (const auto& [names, grace] : stages) {
    supervisor_.Stop(names, grace);
    if (supervisor_.interrupts() > interrupts_before) supervisor_.KillAll();
  }
}

std::vector<std::pair<std::string, std::string>> LocalProcesses::MetricsAddresses() const {
  std::vector<std::string> names = {"replay", "learner"};
  names.insert(names.end(), actors_.begin(), actors_.end());
  std::vector<std::pair<std::string, std::string>> addresses;
  for (const std::string& name : names) {
    const auto address = ReadAddress(folder_.AddressFile(name), "metrics");
    if (address.ok()) addresses.emplace_back(name, *address);
  }
  return addresses;
}

}  // namespace sr2l
