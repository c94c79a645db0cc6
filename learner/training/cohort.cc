#include "learner/training/cohort.h"

#include <cmath>
#include <exception>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "learner/training/algorithm_options.h"
#include "learner/training/retry.h"
#include <torch/version.h>

namespace sr2l {
namespace {

// How long one call waits for a round before it says what is missing and asks again.
constexpr absl::Duration kRoundPatience = absl::Seconds(1);

// A row of a float32 tensor on the CPU.
std::string FloatBytes(const torch::Tensor& row) {
  const torch::Tensor values = row.contiguous();
  return std::string(reinterpret_cast<const char*>(values.data_ptr<float>()),
                     values.numel() * sizeof(float));
}

RoundBatch ToDevice(const RoundBatch& batch, torch::Device device) {
  return {.observations = batch.observations.to(device),
          .next_observations = batch.next_observations.to(device),
          .actions = batch.actions.to(device),
          .rewards = batch.rewards.to(device),
          .terminated = batch.terminated.to(device),
          .truncated = batch.truncated.to(device),
          .episode_step = batch.episode_step.to(device)};
}

// Mean and standard deviation of the returns, and the mean length, of ended episodes. A
// round in which none ended keeps the figures of the newest that did.
void RecordEpisodes(const std::vector<v1::EpisodeSummary>& episodes, v1::MemberProgress& member) {
  member.set_episodes(static_cast<uint32_t>(episodes.size()));
  if (episodes.empty()) return;
  const double count = static_cast<double>(episodes.size());
  double sum = 0;
  double length = 0;
  for (const v1::EpisodeSummary& episode : episodes) {
    sum += episode.return_();
    length += episode.length();
  }
  const double mean = sum / count;
  double squares = 0;
  for (const v1::EpisodeSummary& episode : episodes) {
    squares += (episode.return_() - mean) * (episode.return_() - mean);
  }
  member.set_return_mean(mean);
  member.set_return_std(std::sqrt(squares / count));
  member.set_length_mean(length / count);
}

void RecordStats(const TrpoStats& stats, int64_t row, bool smoothness,
                 v1::MemberProgress& member) {
  const auto at = [row](const torch::Tensor& values) { return values[row].item<double>(); };
  member.set_kl(at(stats.kl));
  member.set_surrogate(at(stats.surrogate));
  if (smoothness) {
    member.set_nonsmoothness(at(stats.nonsmoothness));
    member.set_perturbation_gain(at(stats.perturbation_gain));
    member.set_boundary_share(at(stats.boundary_share));
  }
  member.set_sigma(at(stats.sigma));
  member.set_value_loss(at(stats.value_loss));
  member.set_explained_variance(at(stats.explained_variance));
  member.set_gradient_norm(at(stats.gradient_norm));
  member.set_backtracks(stats.backtracks[row].item<int>());
}

}  // namespace

Cohort::Cohort(const TrainingContext& context, size_t index, std::vector<uint32_t> members,
               torch::Device device)
    : context_(context),
      index_(index),
      device_(device),
      members_(std::move(members)),
      trpo_(MakeTrpoOptions(context.config), MakeSmoothnessOptions(context.config),
            MakeMemberOptions(context.config, members_), device) {
  for (const uint32_t index_of_member : members_) {
    const v1::MemberConfig& config =
        context.config.members().member(static_cast<int>(index_of_member));
    v1::MemberProgress& progress = progress_.emplace_back();
    progress.set_member(index_of_member);
    progress.set_seed(config.seed());
    progress.set_radius(config.radius());
    progress.set_coefficient(config.coefficient());
  }
}

absl::Status Cohort::Run(std::stop_token stop) {
  const uint64_t rounds = static_cast<uint64_t>(context_.config.rounds());
  absl::Status status;
  while (status.ok() && version_ < rounds && !members_.empty()) {
    Publish();
    status = TryRound(version_, stop);
  }
  context_.board.SetWaiting(index_, "");
  // What was learned so far is kept, whatever ended the training.
  const absl::Status written = WriteMembers(/*keep=*/false);
  return status.ok() ? written : status;
}

absl::Status Cohort::TryRound(uint64_t round, std::stop_token stop) {
  try {
    return RunRound(round, stop);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("round ", round, ": ", error.what()));
  }
}

absl::Status Cohort::RunRound(uint64_t round, std::stop_token stop) {
  SR2L_ASSIGN_OR_RETURN(const Round collected, CollectRound(round, stop));
  const TrpoStats stats = trpo_.Update(ToDevice(collected.batch, device_));
  ++version_;
  SR2L_RETURN_IF_ERROR(Record(round, collected, stats));
  SR2L_RETURN_IF_ERROR(CallReplay(stop, [this] {
    return context_.replay.ReleaseRounds(context_.experiment_id, members_, version_);
  }));
  SR2L_RETURN_IF_ERROR(DropFailed(stats));
  const int64_t keep_every = context_.config.keep_policy_every();
  if (keep_every > 0 && version_ % keep_every == 0) return WriteMembers(/*keep=*/true);
  return absl::OkStatus();
}

absl::Status Cohort::CallReplay(std::stop_token stop,
                                const std::function<absl::Status()>& call) {
  return RetryUntilReachable(
      stop, [this](const std::string& what) { context_.board.SetWaiting(index_, what); }, call);
}

absl::StatusOr<Round> Cohort::CollectRound(uint64_t round, std::stop_token stop) {
  const absl::Time begin = absl::Now();
  absl::StatusOr<std::vector<v1::Chunk>> chunks = absl::DeadlineExceededError("");
  // A round that is not complete is no failure: whoever watches is told what is missing.
  while (absl::IsDeadlineExceeded(chunks.status())) {
    if (const auto failure = context_.fleet.Failure(context_.experiment_id)) {
      return absl::FailedPreconditionError(*failure);
    }
    SR2L_RETURN_IF_ERROR(CallReplay(stop, [&] {
      chunks = context_.replay.ReadRound(context_.experiment_id, members_, round, kRoundPatience);
      return absl::IsDeadlineExceeded(chunks.status()) ? absl::OkStatus() : chunks.status();
    }));
    if (absl::IsDeadlineExceeded(chunks.status())) {
      context_.board.SetWaiting(
          index_, context_.fleet.num_actors() == 0
                      ? "an actor: none is connected"
                      : absl::StrCat("experience: ", chunks.status().message()));
    }
  }
  context_.metrics.RecordWait(absl::ToDoubleSeconds(absl::Now() - begin));
  return AssembleRound(*chunks, round, Shape());
}

absl::Status Cohort::Record(uint64_t round, const Round& collected, const TrpoStats& stats) {
  const absl::Time now = absl::Now();
  const RoundShape shape = Shape();
  std::vector<v1::MemberProgress> updated;
  for (size_t row = 0; row < members_.size(); ++row) {
    // An update that failed was taken back: it is no point of the curve.
    if (!stats.failure[row].empty()) continue;
    v1::MemberProgress& member = progress_[row];
    member.set_rounds(round + 1);
    member.set_env_steps(member.env_steps() + shape.streams * shape.steps);
    member.set_updates(member.updates() + 1);
    RecordEpisodes(collected.episodes[row], member);
    RecordStats(stats, static_cast<int64_t>(row), context_.config.has_smoothness(), member);
    SR2L_RETURN_IF_ERROR(context_.results.AppendRound(
        member, absl::ToDoubleSeconds(now - context_.board.started_at())));
    context_.board.Record(member, now);
    updated.push_back(member);
  }
  context_.metrics.RecordRound(updated, stats.seconds,
                               updated.size() * shape.streams * shape.steps);
  return absl::OkStatus();
}

absl::Status Cohort::DropFailed(const TrpoStats& stats) {
  std::vector<int64_t> healthy;
  for (size_t row = 0; row < members_.size(); ++row) {
    const std::string& failure = stats.failure[row];
    if (failure.empty()) {
      healthy.push_back(static_cast<int64_t>(row));
      continue;
    }
    v1::MemberProgress& member = progress_[row];
    member.set_failed(true);
    member.set_failure(failure);
    failures_.push_back(absl::StrCat("member ", members_[row], ": ", failure));
    SR2L_ERROR("{}: {}; the others go on", context_.experiment_id, failures_.back());
    context_.metrics.RecordFailedMember();
    context_.board.Record(member, absl::Now());
    context_.fleet.StopMember(context_.experiment_id, members_[row]);
  }
  if (healthy.size() == members_.size()) return absl::OkStatus();
  SR2L_RETURN_IF_ERROR(WriteMembers(/*keep=*/false));
  std::vector<uint32_t> members;
  std::vector<v1::MemberProgress> progress;
  for (const int64_t row : healthy) {
    members.push_back(members_[row]);
    progress.push_back(progress_[row]);
  }
  members_ = std::move(members);
  progress_ = std::move(progress);
  if (!healthy.empty()) trpo_.Keep(healthy);
  return absl::OkStatus();
}

void Cohort::Publish() {
  for (v1::PolicySnapshot& snapshot : Snapshots()) context_.fleet.Publish(std::move(snapshot));
  context_.metrics.RecordPolicy(version_);
}

absl::Status Cohort::WriteMembers(bool keep) {
  const torch::Tensor baseline = trpo_.baseline_parameters().cpu();
  std::vector<v1::PolicySnapshot> snapshots = Snapshots();
  for (size_t row = 0; row < members_.size(); ++row) {
    const v1::MemberProgress& progress = progress_[row];
    v1::TrainedMember member;
    *member.mutable_policy() = std::move(snapshots[row]);
    member.set_baseline(FloatBytes(baseline[static_cast<int64_t>(row)]));
    member.set_seed(progress.seed());
    member.set_radius(progress.radius());
    member.set_coefficient(progress.coefficient());
    member.set_env_steps(progress.env_steps());
    member.set_updates(progress.updates());
    if (progress.failed()) member.set_failure(progress.failure());
    member.set_version(absl::StrCat("sr2l ", SR2L_VERSION, ", LibTorch ", TORCH_VERSION));
    SR2L_RETURN_IF_ERROR(context_.results.WriteMember(member, keep));
  }
  return absl::OkStatus();
}

std::vector<v1::PolicySnapshot> Cohort::Snapshots() const {
  const torch::Tensor parameters = trpo_.policy_parameters().cpu();
  const torch::Tensor log_std = trpo_.log_std().cpu().contiguous();
  const int64_t sigmas = log_std.size(1);
  std::vector<v1::PolicySnapshot> snapshots(members_.size());
  for (size_t row = 0; row < members_.size(); ++row) {
    const int64_t index = static_cast<int64_t>(row);
    v1::PolicySnapshot& snapshot = snapshots[row];
    snapshot.set_experiment_id(context_.experiment_id);
    snapshot.set_member(members_[row]);
    snapshot.set_version(version_);
    *snapshot.mutable_network() = PolicyNetworkShape(context_.config);
    snapshot.set_parameters(FloatBytes(parameters[index]));
    const float* first = log_std.data_ptr<float>() + index * sigmas;
    snapshot.mutable_log_std()->Assign(first, first + sigmas);
  }
  return snapshots;
}

RoundShape Cohort::Shape() const {
  const v1::ExperimentConfig& config = context_.config;
  return {.members = members_,
          .streams = config.streams_per_member(),
          .steps = config.steps_per_round() / config.streams_per_member(),
          .observation_dim = config.task().observation_dim(),
          .action_dim = config.task().action_dim()};
}

}  // namespace sr2l
