// sr2l train and resume: one experiment with everything it needs on this machine.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/config/save.h"
#include "common/status/status_macros.h"
#include "deploy/cli/command_line.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/config_flags.h"
#include "deploy/cli/member_table.h"
#include "deploy/cli/replay_memory.h"
#include "deploy/cli/stored_experiment.h"
#include "deploy/cli/this_program.h"
#include "deploy/cli/train_run.h"
#include "sr2l/v1/fleet.pb.h"

namespace sr2l {
namespace {

constexpr int kMaxActors = 1024;

// What train and resume have in common.
struct MachineFlags {
  int actors = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 1024U));
  std::string device = "cpu";
  uint64_t replay_memory_mib = 0;  // 0: as the experiment needs
  double checkpoint_seconds = 10;  // between checkpoints
  int restarts = 4;  // in a row, of each process
  bool metrics = false;
};

struct TrainFlags {
  ConfigFlags config;
  std::string run;
  MachineFlags machine;
};

struct ResumeFlags {
  std::string run;
  MachineFlags machine;
};

// CLI11 validator: the message of a device that is none, empty otherwise.
std::string CheckDeviceName(const std::string& device) {
  absl::string_view number = device;
  const bool is_numbered = absl::ConsumePrefix(&number, "cuda:") && !number.empty() &&
                           std::all_of(number.begin(), number.end(), absl::ascii_isdigit);
  if (device == "cpu" || device == "cuda" || is_numbered) return "";
  return absl::StrCat("must be cpu, cuda or cuda:N, got ", device);
}

std::string Headline(const v1::ExperimentConfig& config, const MachineFlags& flags,
                     const RunFolder& folder) {
  return absl::StrFormat("%s: %d members, %d rounds of %d steps, %d actors, %s; results in %s",
                         config.name(), config.members().member_size(), config.rounds(),
                         config.steps_per_round(), flags.actors, flags.device, folder.path());
}

void PrintResults(const TrainRun& run, const RunFolder& folder) {
  if (!run.experiment().has_value()) return;
  const auto curves = ReadLearningCurves(folder.Curve());
  std::cout << FormatResults(run.experiment()->progress(),
                             curves.value_or(std::map<uint32_t, LearningCurve>()))
            << "curves:   " << folder.Curve() << "\npolicies: " << folder.Policies()
            << "\nlogs:     " << folder.Logs() << std::endl;
}

// Of the replay; refuses what the machine cannot hold before anything starts.
absl::StatusOr<uint64_t> ChooseMemory(const LoadedConfig& config, const MachineFlags& flags) {
  if (flags.replay_memory_mib > 0) return flags.replay_memory_mib;
  return ReplayMemoryMib(config.resolved, MachineMemoryMib());
}

// Runs the folder's experiment to its end, or until it is interrupted.
absl::Status RunToEnd(const LoadedConfig& config, const RunFolder& folder,
                      const MachineFlags& flags, uint64_t memory_mib, Interrupts& interrupts) {
  SR2L_ASSIGN_OR_RETURN(const std::string binaries, FolderOfThisProgram());
  ProgressPrinter printer(std::cout, ProgressPrinter::StyleOfStandardOutput());
  printer.Print(Headline(config.resolved, flags, folder));
  const int streams =
      config.resolved.members().member_size() * config.resolved.streams_per_member();
  TrainRun run(config.written, folder,
               {.binaries = binaries,
                .num_actors = flags.actors,
                .max_streams = std::max(static_cast<int>(v1::JoinRequest().max_streams()), streams),
                .device = flags.device,
                .replay_memory_mib = memory_mib,
                .checkpoint_seconds = flags.checkpoint_seconds,
                .metrics = flags.metrics},
               flags.restarts, interrupts, printer);
  const absl::Status status = run.Run();
  folder.RemoveSockets();
  PrintResults(run, folder);
  if (status.ok()) return status;
  const std::string next = run.can_go_on()
                               ? absl::StrCat("; go on with: sr2l resume ", folder.path())
                               : absl::StrCat("; run folder: ", folder.path());
  return absl::Status(status.code(), absl::StrCat(status.message(), next));
}

absl::Status Train(const TrainFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const LoadedConfig config, LoadConfig(flags.config));
  const std::string path = flags.run.empty()
                               ? RunFolder::DefaultPath(config.resolved.name(), absl::Now())
                               : flags.run;
  SR2L_ASSIGN_OR_RETURN(const uint64_t memory_mib, ChooseMemory(config, flags.machine));
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<Interrupts> interrupts, Interrupts::Create());
  SR2L_ASSIGN_OR_RETURN(const RunFolder folder, RunFolder::Create(path));
  SR2L_RETURN_IF_ERROR(SaveExperiment(config.resolved, folder.path()));
  return RunToEnd(config, folder, flags.machine, memory_mib, *interrupts);
}

// Refuses a run whose file was changed since it began; says what else is not as it was.
absl::Status CheckGoesOn(const LoadedConfig& config, const RunFolder& folder) {
  SR2L_ASSIGN_OR_RETURN(const std::optional<v1::Experiment> stored, ReadStoredExperiment(folder));
  if (!stored.has_value()) return absl::OkStatus();
  SR2L_RETURN_IF_ERROR(CheckSameExperiment(config.resolved, stored->config(), folder));
  std::error_code error;
  if (stored->state() == v1::RUNNING && !std::filesystem::exists(folder.Curve(), error)) {
    std::cout << folder.Curve() << " is missing: a new one begins where the run goes on"
              << std::endl;
  }
  return absl::OkStatus();
}

absl::Status Resume(const ResumeFlags& flags) {
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<Interrupts> interrupts, Interrupts::Create());
  SR2L_ASSIGN_OR_RETURN(const RunFolder folder, RunFolder::Open(flags.run));
  SR2L_ASSIGN_OR_RETURN(const LoadedConfig config,
                        LoadConfig({.file = folder.Experiment(), .overrides = {}}));
  SR2L_RETURN_IF_ERROR(CheckGoesOn(config, folder));
  SR2L_ASSIGN_OR_RETURN(const uint64_t memory_mib, ChooseMemory(config, flags.machine));
  return RunToEnd(config, folder, flags.machine, memory_mib, *interrupts);
}

void AddMachineFlags(CLI::App& verb, MachineFlags& flags) {
  verb.add_option("--actors", flags.actors, "Number of actor processes")
      ->check(WholeNumber(1, kMaxActors))
      ->capture_default_str();
  verb.add_option("--device", flags.device, "Where the learner computes: cpu, cuda or cuda:N")
      ->check(CheckDeviceName)
      ->capture_default_str();
  verb.add_option("--replay-memory-mib", flags.replay_memory_mib,
                  "Most memory of the replay for steps, MiB [2048, or what the experiment needs]")
      ->check(WholeNumber(16, uint64_t{1} << 20));
  verb.add_option("--checkpoint-interval", flags.checkpoint_seconds,
                  "Seconds between checkpoints, from which a run that was cut off goes on")
      ->check(CLI::Range(0.01, 86400.0))
      ->capture_default_str();
  verb.add_option("--restarts", flags.restarts,
                  "How often in a row a process that ends is started again")
      ->check(WholeNumber(0, 1000000))
      ->capture_default_str();
  verb.add_flag("--metrics", flags.metrics,
                "Serve every process' metrics on a free loopback port, and print where");
}

}  // namespace

void AddTrain(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("train", "Train an experiment on this machine");
  const auto flags = std::make_shared<TrainFlags>();
  AddConfigFlags(*verb, flags->config);
  verb->add_option("--run", flags->run,
                   "Folder for the results, new or empty [runs/<name>-<UTC time>]")
      ->type_name("DIR");
  AddMachineFlags(*verb, flags->machine);
  verb->callback([flags, &action] { action = [flags] { return Train(*flags); }; });
}

void AddResume(CLI::App& app, Action& action) {
  CLI::App* verb =
      app.add_subcommand("resume", "Go on with a run that was interrupted, to the same result");
  const auto flags = std::make_shared<ResumeFlags>();
  verb->add_option("DIR", flags->run, "The run's folder")->required();
  AddMachineFlags(*verb, flags->machine);
  verb->callback([flags, &action] { action = [flags] { return Resume(*flags); }; });
}

}  // namespace sr2l
