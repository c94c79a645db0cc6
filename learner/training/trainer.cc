#include "learner/training/trainer.h"

#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/utils.h>

#include <algorithm>
#include <exception>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/limits/limits.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "learner/checkpoint/checkpoint_folder.h"
#include "learner/checkpoint/checkpoint_writer.h"
#include "learner/training/member_division.h"
#include "learner/training/off_policy_cohort.h"
#include "learner/training/on_policy_cohort.h"
#include "learner/training/results_folder.h"
#include "learner/training/resume_point.h"
#include "learner/training/retry.h"

namespace sr2l {
namespace {

// For the log's next sync; with a disk that fails the checkpoint comes later.
constexpr absl::Duration kSyncPatience = absl::Seconds(3);

uint64_t TotalSteps(const v1::ExperimentConfig& config) {
  return static_cast<uint64_t>(config.rounds()) * config.steps_per_round();
}

std::vector<v1::TableSpec> MakeTables(const std::string& experiment_id,
                                      const v1::ExperimentConfig& config) {
  std::vector<v1::TableSpec> tables;
  for (int member = 0; member < config.members().member_size(); ++member) {
    v1::TableSpec& table = tables.emplace_back();
    table.set_experiment_id(experiment_id);
    table.set_member(member);
    table.set_num_streams(config.streams_per_member());
    table.set_observation_dim(config.task().observation_dim());
    table.set_action_dim(config.task().action_dim());
    table.set_steps_per_round(StepsPerStreamRound(config));
    table.set_steps_per_stream(TotalSteps(config) / config.streams_per_member());
    if (!config.has_ddpg()) continue;
    table.set_capacity(std::min<uint64_t>(config.ddpg().capacity(), TotalSteps(config)));
    if (config.collection() == v1::FREE_RUNNING) {
      *table.mutable_limits() = MakeTableLimits(config.ddpg(), config.limiter());
    }
  }
  return tables;
}

Fleet::ActiveExperiment MakeActive(const std::string& experiment_id,
                                   const v1::ExperimentConfig& config, Evaluations& evaluations) {
  Fleet::ActiveExperiment active;
  active.assignment.set_experiment_id(experiment_id);
  *active.assignment.mutable_task() = config.task();
  const uint64_t steps_per_round = StepsPerStreamRound(config);
  active.assignment.set_rounds(TotalSteps(config) / config.streams_per_member() /
                               steps_per_round);
  active.assignment.set_steps_per_round(steps_per_round);
  active.assignment.set_collection(config.collection());
  if (config.has_ddpg()) {
    *active.assignment.mutable_exploration() = config.ddpg().exploration();
  }
  for (const v1::MemberConfig& member : config.members().member()) {
    active.seeds.push_back(member.seed());
  }
  active.streams_per_member = config.streams_per_member();
  active.on_evaluation = [&evaluations](const v1::ReportEvaluationRequest& report) {
    evaluations.Land(report);
  };
  return active;
}

// Of members that failed before the checkpoint.
std::vector<std::string> FailuresOf(const Checkpoints& saved) {
  std::vector<std::string> failures;
  for (const auto& [member, checkpoint] : saved) {
    if (!checkpoint.progress().failed()) continue;
    failures.push_back(absl::StrCat("member ", member, ": ", checkpoint.progress().failure()));
  }
  return failures;
}

absl::StatusOr<std::unique_ptr<ResultsFolder>> OpenResults(const std::string& path,
                                                           const v1::ExperimentConfig& config,
                                                           Trainer::Start start,
                                                           const Checkpoints& saved) {
  if (start == Trainer::Start::kResume) {
    std::vector<uint64_t> rounds(config.members().member_size());
    std::vector<uint64_t> env_steps(rounds.size());
    for (const auto& [member, checkpoint] : saved) {
      if (member >= rounds.size()) continue;
      rounds[member] = checkpoint.progress().rounds();
      env_steps[member] = checkpoint.progress().env_steps();
    }
    auto results = ResultsFolder::Resume(path, rounds, env_steps, absl::Now());
    // It was interrupted before there was anything to go on with.
    if (!absl::IsNotFound(results.status())) return results;
  }
  auto results = ResultsFolder::Create(path, config, absl::Now());
  // A folder that cannot be written to from the start will not change by itself.
  if (!absl::IsUnavailable(results.status())) return results;
  return absl::FailedPreconditionError(results.status().message());
}

// One cohort's error stops the others, as a request from outside does.
std::vector<absl::Status> RunAll(const std::vector<std::unique_ptr<Cohort>>& cohorts,
                                 const std::stop_token& stop) {
  std::stop_source stop_all;
  const std::stop_callback forward(stop, [&stop_all] { stop_all.request_stop(); });
  std::vector<absl::Status> statuses(cohorts.size());
  std::vector<std::jthread> threads;
  // A thread that cannot be started ends those that were.
  absl::Cleanup stop_started = [&stop_all] { stop_all.request_stop(); };
  for (size_t i = 0; i < cohorts.size(); ++i) {
    threads.emplace_back([&, i] {
      UseOneThreadPerOperation();
      statuses[i] = cohorts[i]->Run(stop_all.get_token());
      if (!statuses[i].ok()) stop_all.request_stop();
    });
  }
  std::move(stop_started).Cancel();
  threads.clear();  // joins
  return statuses;
}

std::unique_ptr<Cohort> MakeCohort(const TrainingContext& context, size_t index,
                                   std::vector<uint32_t> members, torch::Device device) {
  if (context.config.has_ddpg()) {
    return std::make_unique<OffPolicyCohort>(context, index, std::move(members), device);
  }
  return std::make_unique<OnPolicyCohort>(context, index, std::move(members), device);
}

absl::StatusOr<std::vector<std::unique_ptr<Cohort>>> MakeCohorts(
    const TrainingContext& context, const std::vector<std::vector<uint32_t>>& runs,
    const Checkpoints& saved, const HeldByMember& held, torch::Device device) {
  std::vector<std::unique_ptr<Cohort>> cohorts;
  for (const std::vector<uint32_t>& run : runs) {
    cohorts.push_back(MakeCohort(context, cohorts.size(), run, device));
    if (saved.count(run.front()) > 0) SR2L_RETURN_IF_ERROR(cohorts.back()->Restore(saved, held));
  }
  return cohorts;
}

// Members that failed before the checkpoint train no more.
void StopFailed(const TrainingContext& context, const Checkpoints& saved) {
  for (const auto& [member, checkpoint] : saved) {
    if (!checkpoint.progress().failed()) continue;
    context.board.Restore(checkpoint.progress());
    context.fleet.StopMember(context.experiment_id, member);
  }
}

// The first error that says more than that the others were stopped; failed members else.
absl::Status Combine(const std::vector<absl::Status>& statuses,
                     const std::vector<std::unique_ptr<Cohort>>& cohorts,
                     std::vector<std::string> failures) {
  absl::Status result;
  for (const absl::Status& status : statuses) {
    if (status.ok()) continue;
    if (result.ok() || absl::IsCancelled(result)) result = status;
  }
  if (!result.ok()) return result;
  for (const auto& cohort : cohorts) {
    failures.insert(failures.end(), cohort->failures().begin(), cohort->failures().end());
  }
  if (failures.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(failures.size(), " member(s) failed: ", absl::StrJoin(failures, "; ")));
}

}  // namespace

absl::Status Trainer::Run(const v1::Experiment& experiment, const std::string& results_path,
                          Start start, std::stop_token stop,
                          const std::function<void(std::shared_ptr<ProgressBoard>)>& board_ready) {
  try {
    return RunCohorts(experiment, results_path, start, stop, board_ready);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("training cannot start: ", error.what()));
  }
}

absl::Status Trainer::RunCohorts(
    const v1::Experiment& experiment, const std::string& results_path, Start start,
    std::stop_token stop,
    const std::function<void(std::shared_ptr<ProgressBoard>)>& board_ready) {
  const v1::ExperimentConfig& config = experiment.config();
  const std::string& id = experiment.experiment_id();
  const torch::Device device(options_.device);

  SR2L_ASSIGN_OR_RETURN(CheckpointFolder folder,
                        CheckpointFolder::Open(results_path + "/checkpoints"));
  // Every cohort may wait, each of one member at least, and evaluations.
  const size_t evaluations_slot = config.members().member_size();
  const auto board = std::make_shared<ProgressBoard>(config, evaluations_slot + 1, absl::Now());
  board_ready(board);
  HeldByMember held;
  SR2L_RETURN_IF_ERROR(RetryUnavailable(
      stop, kReplayService, [&board](const std::string& what) { board->SetWaiting(0, what); },
      [&]() -> absl::Status {
        // They take the room that the new ones need.
        SR2L_RETURN_IF_ERROR(DropTables(has_ended_, stop));
        SR2L_RETURN_IF_ERROR(replay_.CreateTables(MakeTables(id, config), stop));
        SR2L_ASSIGN_OR_RETURN(held, ReadHeldSteps(replay_, id, stop));
        return absl::OkStatus();
      }));
  Checkpoints saved;
  if (start == Start::kResume) {
    SR2L_ASSIGN_OR_RETURN(saved, ReadCheckpoints(id, config, held, folder));
  }
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ResultsFolder> results,
                        OpenResults(results_path, config, start, saved));
  const uint32_t parts = device.is_cpu() ? static_cast<uint32_t>(std::max(1, options_.threads)) : 1;
  const std::vector<std::vector<uint32_t>> runs =
      DivideMembers(config.members().member_size(), saved, parts);

  Evaluations evaluations({.experiment_id = id,
                           .config = config,
                           .fleet = fleet_,
                           .board = *board,
                           .board_slot = evaluations_slot,
                           .results = *results,
                           .metrics = metrics_});
  const auto end_leases = absl::MakeCleanup([this, &id] { fleet_.End(id); });
  CheckpointWriter checkpoints(std::move(folder), [&](const v1::Checkpoint& made) -> absl::Status {
    SR2L_RETURN_IF_ERROR(results->SyncRounds());
    return AwaitSteps(id, config, made);
  });
  const TrainingContext context{.experiment_id = id,
                                .config = config,
                                .replay = replay_,
                                .fleet = fleet_,
                                .board = *board,
                                .results = *results,
                                .metrics = metrics_,
                                .checkpoints = checkpoints,
                                .evaluations = evaluations,
                                .checkpoint_interval = options_.checkpoint_interval,
                                // Several threads cannot capture side by side.
                                .new_graph = runs.size() == 1 ? NewDeviceGraph : NoDeviceGraph};
  SR2L_ASSIGN_OR_RETURN(const auto cohorts, MakeCohorts(context, runs, saved, held, device));
  fleet_.Start(MakeActive(id, config, evaluations));
  evaluations.Start();
  StopFailed(context, saved);
  const std::vector<absl::Status> statuses = RunAll(cohorts, stop);
  const bool trained = std::all_of(statuses.begin(), statuses.end(),
                                   [](const absl::Status& status) { return status.ok(); });
  if (trained) SR2L_RETURN_IF_ERROR(evaluations.Finish(stop));
  return Combine(statuses, cohorts, FailuresOf(saved));
}

absl::Status Trainer::AwaitSteps(const std::string& experiment_id,
                                 const v1::ExperimentConfig& config,
                                 const v1::Checkpoint& checkpoint) {
  SR2L_RETURN_IF_ERROR(replay_.Sync(kSyncPatience).status());
  // It may have lost some since they were learned from.
  SR2L_ASSIGN_OR_RETURN(const HeldByMember held, ReadHeldSteps(replay_, experiment_id));
  for (const v1::MemberCheckpoint& member : checkpoint.members()) {
    SR2L_RETURN_IF_ERROR(CheckContinues(config, member, held));
  }
  return absl::OkStatus();
}

absl::Status Trainer::SetLimiter(const std::string& experiment_id,
                                 const v1::ExperimentConfig& config, const std::stop_token& stop) {
  std::vector<uint32_t> members(config.members().member_size());
  std::iota(members.begin(), members.end(), 0);
  const absl::Status status = replay_.SetLimits(
      experiment_id, members, MakeTableLimits(config.ddpg(), config.limiter()), stop);
  if (!absl::IsNotFound(status)) return status;
  return absl::UnavailableError(
      absl::StrCat("experiment ", experiment_id, " is just starting; ask again"));
}

absl::Status Trainer::DropTables(const HasEnded& is_over, const std::stop_token& stop) {
  SR2L_ASSIGN_OR_RETURN(const v1::DescribeTablesResponse held, replay_.DescribeTables("", stop));
  std::set<std::string> ended;
  for (const v1::TableDescription& table : held.tables()) {
    if (is_over(table.spec().experiment_id())) ended.insert(table.spec().experiment_id());
  }
  for (const std::string& id : ended) {
    SR2L_INFO("dropping what the replay still holds of {}", id);
    SR2L_RETURN_IF_ERROR(replay_.DropExperiment(id, stop));
  }
  return absl::OkStatus();
}

absl::Status CheckDevice(const std::string& device) {
  try {
    const torch::Device parsed(device);
    if (parsed.is_cpu()) return absl::OkStatus();
    if (parsed.is_cuda()) {
      const int count = torch::cuda::is_available()
                            ? static_cast<int>(torch::cuda::device_count())
                            : 0;
      // "cuda" without a number is the current device, if there is one at all.
      if (count > 0 && parsed.index() < count) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(
          "--device ", device, ": this machine and this LibTorch offer ", count,
          " CUDA device(s)"));
    }
  } catch (const std::exception&) {
    // Falls through: the text is not a device at all.
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--device must be cpu, cuda or cuda:N, got \"", device, "\""));
}

void UseOneThreadPerOperation() {
  torch::set_num_threads(1);
  // OpenBLAS has its own pool, whichever of its builds the system chose.
  using SetThreads = void (*)(int);
  static const auto set_threads =
      reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (set_threads != nullptr) set_threads(1);
}

}  // namespace sr2l
