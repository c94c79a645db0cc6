#include "learner/training/cohort.h"

#include <torch/version.h>

#include <algorithm>
#include <exception>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/chunk/chunk_format.h"
#include "common/log/log.h"
#include "common/statistics/statistics_proto.h"
#include "common/status/status_macros.h"
#include "learner/training/retry.h"

namespace sr2l {
namespace {

// How long training stands still for a checkpoint that must be on disk before it goes on.
constexpr absl::Duration kCheckpointPatience = absl::Seconds(10);

}  // namespace

std::string FloatBytes(const torch::Tensor& row) {
  const torch::Tensor values = row.contiguous();
  return std::string(reinterpret_cast<const char*>(values.data_ptr<float>()),
                     values.numel() * sizeof(float));
}

Cohort::Cohort(const TrainingContext& context, size_t index, std::vector<uint32_t> members)
    : context_(context),
      index_(index),
      members_(std::move(members)),
      last_checkpoint_(absl::Now()) {
  for (const uint32_t member : members_) {
    const v1::MemberConfig& config =
        context.config.members().member(static_cast<int>(member));
    v1::MemberProgress& progress = progress_.emplace_back();
    progress.set_member(member);
    progress.set_seed(config.seed());
    progress.set_radius(config.radius());
    progress.set_coefficient(config.coefficient());
    if (context.config.has_observation_normalization()) {
      statistics_.emplace_back(context.config.task().observation_dim());
    }
  }
}

absl::Status Cohort::Run(std::stop_token stop) {
  absl::Status status;
  while (status.ok() && !members_.empty() && !finished()) {
    status = Try([&] { return Advance(stop); });
    if (!status.ok() || members_.empty()) break;
    status = Try([&] { return Checkpoint(Urgency::kWhenDue, stop); });
  }
  context_.board.SetWaiting(index_, "");
  if (status.ok()) LeaveFleet(0, num_rows());
  // Whoever resumes goes on from here. What was learned so far is kept, whatever ended the
  // training.
  const absl::Status written = Try([&] {
    if (absl::IsCancelled(status) && !members_.empty()) TakeLastCheckpoint();
    return WriteMembers(0, num_rows(), std::nullopt);
  });
  return status.ok() ? written : status;
}

absl::Status Cohort::Restore(const Checkpoints& checkpoints, const HeldByMember& held) {
  std::vector<v1::MemberCheckpoint> members;
  for (int64_t row = 0; row < num_rows(); ++row) {
    const auto checkpoint = checkpoints.find(members_[row]);
    if (checkpoint == checkpoints.end()) {
      return absl::DataLossError(absl::StrCat("member ", members_[row], " has no checkpoint"));
    }
    members.push_back(checkpoint->second);
    progress_[row] = members.back().progress();
    if (!statistics_.empty()) {
      SR2L_ASSIGN_OR_RETURN(statistics_[row],
                            FromProto(members.back().observation_statistics(),
                                      context_.config.task().observation_dim()));
    }
    context_.board.Restore(progress_[row]);
  }
  SR2L_RETURN_IF_ERROR(Load(members));
  checkpoint_position_ = Position(0);
  released_ = checkpoint_position_;
  for (const uint32_t member : members_) {
    released_ = std::min(released_, held.at(member).begin / StepsPerStreamRound(context_.config));
  }
  return absl::OkStatus();
}

void Cohort::TakeLastCheckpoint() {
  CheckpointWriter& writer = context_.checkpoints;
  writer.Flush(members_.front(), kCheckpointPatience).IgnoreError();
  if (writer.Submit(MakeCheckpoint())) return;
  SR2L_WARNING("no checkpoint of member {} at position {}: the one before is still being written",
               members_.front(), Position(0));
}

v1::Checkpoint Cohort::MakeCheckpoint() {
  std::vector<v1::MemberCheckpoint> members(members_.size());
  uint64_t position = Position(0);
  for (int64_t row = 0; row < num_rows(); ++row) {
    members[row].set_member(members_[row]);
    members[row].set_position(Position(row));
    *members[row].mutable_progress() = progress_[row];
    if (!statistics_.empty()) {
      *members[row].mutable_observation_statistics() = ToProto(statistics_[row]);
    }
    position = std::min(position, Position(row));
  }
  Save(members);
  v1::Checkpoint checkpoint;
  checkpoint.set_experiment_id(context_.experiment_id);
  checkpoint.set_position(position);
  checkpoint.set_version(absl::StrCat("sr2l ", SR2L_VERSION, ", LibTorch ", TORCH_VERSION));
  checkpoint.mutable_members()->Add(std::make_move_iterator(members.begin()),
                                    std::make_move_iterator(members.end()));
  return checkpoint;
}

absl::Status Cohort::Checkpoint(Urgency urgency, std::stop_token stop) {
  CheckpointWriter& writer = context_.checkpoints;
  const absl::Time now = absl::Now();
  const bool far = Position(0) - checkpoint_position_ >= CheckpointSpan();
  if (far) SR2L_RETURN_IF_ERROR(AwaitLastCheckpoint(stop));
  if (far || urgency == Urgency::kNow || now - last_checkpoint_ >= context_.checkpoint_interval) {
    if (writer.Submit(MakeCheckpoint())) {
      last_checkpoint_ = now;
      checkpoint_position_ = Position(0);
    }
    context_.metrics.RecordCheckpointPause(absl::ToDoubleSeconds(absl::Now() - now));
  }
  if (urgency == Urgency::kNow) {
    // Training goes on without: the replay holds what a later one needs.
    writer.Flush(members_.front(), kCheckpointPatience).IgnoreError();
  }
  return ReleaseBefore(writer.NeededFrom(members_.front()), stop);
}

absl::Status Cohort::AwaitLastCheckpoint(std::stop_token stop) {
  CheckpointWriter& writer = context_.checkpoints;
  const absl::Status written = RetryUnavailable(
      stop, "a checkpoint",
      [this](const std::string& what) { context_.board.SetWaiting(index_, what); },
      [&] {
        absl::Status last = writer.Flush(members_.front(), kReplayPatience);
        if (!last.ok() && writer.Submit(MakeCheckpoint())) {
          last = writer.Flush(members_.front(), kReplayPatience);
        }
        return absl::IsResourceExhausted(last) ? absl::UnavailableError(last.message()) : last;
      });
  if (written.ok() || absl::IsCancelled(written)) return written;
  return absl::AbortedError(absl::StrCat("no checkpoint can be written: ", written.message()));
}

absl::Status Cohort::ReleaseBefore(uint64_t position, std::stop_token stop) {
  if (position <= released_) return absl::OkStatus();
  const absl::Status released = Release(position, stop);
  // It had these steps when they were learned from.
  if (absl::IsNotFound(released) || absl::IsFailedPrecondition(released)) {
    return absl::AbortedError(absl::StrCat("the replay has lost steps: ", released.message()));
  }
  SR2L_RETURN_IF_ERROR(released);
  released_ = position;
  return absl::OkStatus();
}

uint64_t Cohort::LeastPosition() const {
  uint64_t position = Position(0);
  for (int64_t row = 1; row < num_rows(); ++row) position = std::min(position, Position(row));
  return position;
}

absl::Status Cohort::MakeRoom(std::stop_token stop) {
  const uint64_t position = LeastPosition();
  if (position <= released_) return absl::OkStatus();
  const CheckpointWriter& writer = context_.checkpoints;
  SR2L_RETURN_IF_ERROR(ReleaseBefore(writer.NeededFrom(members_.front()), stop));
  SR2L_ASSIGN_OR_RETURN(bool full, IsReplayFull(position, stop));
  if (full && writer.WrittenPosition(members_.front()) != position) {
    SR2L_RETURN_IF_ERROR(Checkpoint(Urgency::kNow, stop));
    SR2L_ASSIGN_OR_RETURN(full, IsReplayFull(position, stop));
  }
  const bool written = writer.WrittenPosition(members_.front()) == position;
  return full && written ? ReleaseBefore(position, stop) : absl::OkStatus();
}

absl::StatusOr<bool> Cohort::IsReplayFull(uint64_t position, std::stop_token stop) {
  // As after the first of the members has failed: the others' checkpoints begin anew.
  if ((position - released_) / 3 >= CheckpointSpan()) return true;
  // A ring has its memory from the beginning, and gives none of it back.
  if (config().has_ddpg()) return false;
  v1::DescribeTablesResponse replay;
  SR2L_RETURN_IF_ERROR(CallReplay(stop, [&]() -> absl::Status {
    SR2L_ASSIGN_OR_RETURN(replay, context_.replay.DescribeTables(context_.experiment_id, stop));
    return absl::OkStatus();
  }));
  return replay.bytes() + kMaxReplayMessageBytes > replay.byte_budget();
}

absl::Status Cohort::Try(const std::function<absl::Status()>& part) const {
  try {
    return part();
  } catch (const std::exception& error) {
    const uint64_t round = progress_.empty() ? 0 : progress_.front().rounds();
    return absl::InternalError(absl::StrCat("round ", round, ": ", error.what()));
  }
}

std::optional<v1::ObservationNormalization> Cohort::Normalization(int64_t row) const {
  if (statistics_.empty()) return std::nullopt;
  const v1::ObservationNormalizationConfig& config = context_.config.observation_normalization();
  return MakeNormalization(statistics_[row], config.clip(), config.minimum_deviation());
}

absl::Status Cohort::CallReplay(std::stop_token stop,
                                const std::function<absl::Status()>& call) {
  return RetryUnavailable(
      stop, kReplayService,
      [this](const std::string& what) { context_.board.SetWaiting(index_, what); }, call);
}

std::string Cohort::WhatIsMissing(const absl::Status& status) const {
  const int actors = context_.fleet.num_actors();
  if (actors == 0) return "an actor: none is connected";
  const int streams = context_.fleet.num_waiting_streams();
  if (streams == 0) return absl::StrCat("experience: ", status.message());
  return absl::StrCat("more actors: ", streams, " stream(s) have no room on the ", actors,
                      " that are connected (each drives at most its --max-streams)");
}

absl::Status Cohort::AwaitReplay(std::stop_token stop,
                                 const std::function<absl::Status()>& call) {
  const absl::Time begin = absl::Now();
  absl::Status status = absl::DeadlineExceededError("");
  while (absl::IsDeadlineExceeded(status)) {
    SR2L_RETURN_IF_ERROR(context_.fleet.Failure(context_.experiment_id));
    const absl::Status called = CallReplay(stop, [&] {
      status = call();
      return absl::IsDeadlineExceeded(status) ? absl::OkStatus() : status;
    });
    // The tables were there when the run began.
    if (absl::IsNotFound(called)) {
      return absl::AbortedError(absl::StrCat("the replay has lost steps: ", called.message()));
    }
    SR2L_RETURN_IF_ERROR(called);
    if (absl::IsDeadlineExceeded(status)) {
      SR2L_RETURN_IF_ERROR(MakeRoom(stop));
      context_.board.SetWaiting(index_, WhatIsMissing(status));
    }
  }
  context_.metrics.RecordWait(absl::ToDoubleSeconds(absl::Now() - begin));
  return status;
}

void Cohort::LeaveFleet(int64_t first, int64_t count) {
  for (int64_t row = first; row < first + count; ++row) {
    context_.fleet.StopMember(context_.experiment_id, members_[row]);
  }
}

void Cohort::Publish(int64_t first, int64_t count) {
  for (v1::PolicySnapshot& snapshot : Snapshots(first, count)) {
    context_.metrics.RecordPolicy(snapshot.version());
    context_.fleet.Publish(std::move(snapshot));
  }
}

absl::Status Cohort::Record(const std::vector<int64_t>& rows, uint64_t steps,
                            uint64_t updates) {
  const absl::Time now = absl::Now();
  std::vector<v1::MemberProgress> updated;
  for (const int64_t row : rows) {
    const v1::MemberProgress& member = progress_[row];
    SR2L_RETURN_IF_ERROR(context_.results.AppendRound(
        member, absl::ToDoubleSeconds(now - context_.board.started_at()), now));
    context_.board.Record(member, now);
    updated.push_back(member);
  }
  context_.metrics.RecordLearning(updated, steps, updates);
  return absl::OkStatus();
}

absl::Status Cohort::DropFailed(int64_t first, const std::vector<std::string>& failure) {
  std::vector<int64_t> healthy;
  for (int64_t row = 0; row < num_rows(); ++row) {
    const int64_t i = row - first;
    if (i < 0 || i >= static_cast<int64_t>(failure.size()) || failure[i].empty()) {
      healthy.push_back(row);
      continue;
    }
    v1::MemberProgress& member = progress_[row];
    member.set_failed(true);
    member.set_failure(failure[i]);
    failures_.push_back(absl::StrCat("member ", members_[row], ": ", failure[i]));
    SR2L_ERROR("{}: {}; the others go on", context_.experiment_id, failures_.back());
    context_.metrics.RecordFailedMember();
    context_.board.Record(member, absl::Now());
    context_.fleet.StopMember(context_.experiment_id, members_[row]);
    SR2L_RETURN_IF_ERROR(WriteMembers(row, 1, std::nullopt));
    CheckpointFailure(row);
  }
  if (healthy.size() == members_.size()) return absl::OkStatus();
  std::vector<uint32_t> members;
  std::vector<v1::MemberProgress> progress;
  std::vector<RunningStatistics> statistics;
  for (const int64_t row : healthy) {
    members.push_back(members_[row]);
    progress.push_back(progress_[row]);
    if (!statistics_.empty()) statistics.push_back(statistics_[row]);
  }
  members_ = std::move(members);
  progress_ = std::move(progress);
  statistics_ = std::move(statistics);
  if (!healthy.empty()) KeepRows(healthy);
  return absl::OkStatus();
}

void Cohort::CheckpointFailure(int64_t row) {
  v1::Checkpoint checkpoint;
  checkpoint.set_experiment_id(context_.experiment_id);
  checkpoint.set_position(Position(row) + 1);
  v1::MemberCheckpoint& member = *checkpoint.add_members();
  member.set_member(members_[row]);
  member.set_position(Position(row) + 1);
  *member.mutable_progress() = progress_[row];
  CheckpointWriter& writer = context_.checkpoints;
  writer.Flush(members_[row], kCheckpointPatience).IgnoreError();
  writer.Submit(std::move(checkpoint));
}

absl::Status Cohort::KeepPolicies(int64_t first, int64_t count, uint64_t before,
                                  uint64_t round) {
  const uint64_t keep_every = context_.config.keep_policy_every();
  if (keep_every == 0 || round / keep_every == before / keep_every) return absl::OkStatus();
  return WriteMembers(first, count, round);
}

absl::Status Cohort::EvaluatePolicies(int64_t first, int64_t count, uint64_t before,
                                      uint64_t round) {
  const uint64_t every = context_.config.evaluation().every_rounds();
  const bool last = round == static_cast<uint64_t>(context_.config.rounds());
  if (every == 0 || (round / every == before / every && !last)) return absl::OkStatus();
  std::vector<v1::PolicySnapshot> snapshots = Snapshots(first, count);
  for (int64_t i = 0; i < count; ++i) {
    v1::EvaluationGrant evaluation;
    evaluation.set_member(members_[first + i]);
    evaluation.set_round(round);
    evaluation.set_env_steps(progress_[first + i].env_steps());
    *evaluation.mutable_policy() = std::move(snapshots[i]);
    SR2L_RETURN_IF_ERROR(context_.evaluations.Ask(std::move(evaluation)));
  }
  return absl::OkStatus();
}

absl::Status Cohort::WriteMembers(int64_t first, int64_t count,
                                  std::optional<uint64_t> keep_round) {
  if (count == 0) return absl::OkStatus();
  const torch::Tensor baselines = Baselines(first, count).to(torch::kCPU, torch::kFloat32);
  std::vector<v1::PolicySnapshot> snapshots = Snapshots(first, count);
  for (int64_t i = 0; i < count; ++i) {
    const v1::MemberProgress& progress = progress_[first + i];
    v1::TrainedMember member;
    *member.mutable_policy() = std::move(snapshots[i]);
    member.set_baseline(FloatBytes(baselines[i]));
    member.set_seed(progress.seed());
    member.set_radius(progress.radius());
    member.set_coefficient(progress.coefficient());
    member.set_env_steps(progress.env_steps());
    member.set_updates(progress.updates());
    if (progress.failed()) member.set_failure(progress.failure());
    if (!statistics_.empty()) {
      *member.mutable_observation_statistics() = ToProto(statistics_[first + i]);
    }
    member.set_task(context_.config.task().name());
    member.set_version(absl::StrCat("sr2l ", SR2L_VERSION, ", LibTorch ", TORCH_VERSION));
    SR2L_RETURN_IF_ERROR(context_.results.WriteMember(member, keep_round));
  }
  return absl::OkStatus();
}

std::vector<v1::PolicySnapshot> Cohort::Snapshots(int64_t first, int64_t count) const {
  std::vector<v1::PolicySnapshot> snapshots = Policies(first, count);
  for (int64_t i = 0; i < count; ++i) {
    snapshots[i].set_experiment_id(context_.experiment_id);
    snapshots[i].set_member(members_[first + i]);
    if (auto normalization = Normalization(first + i)) {
      *snapshots[i].mutable_normalization() = *std::move(normalization);
    }
  }
  return snapshots;
}

}  // namespace sr2l
