#include "learner/training/cohort.h"

#include <torch/version.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/statistics/statistics_proto.h"
#include "common/status/status_macros.h"
#include "learner/training/retry.h"

namespace sr2l {
std::string FloatBytes(const torch::Tensor& row) {
  const torch::Tensor values = row.contiguous();
  return std::string(reinterpret_cast<const char*>(values.data_ptr<float>()),
                     values.numel() * sizeof(float));
}

Cohort::Cohort(const TrainingContext& context, size_t index, std::vector<uint32_t> members)
    : context_(context), index_(index), members_(std::move(members)) {
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
  while (status.ok() && !members_.empty() && !finished()) status = TryAdvance(stop);
  context_.board.SetWaiting(index_, "");
  // What was learned so far is kept, whatever ended the training.
  const absl::Status written = WriteMembers(0, num_rows(), std::nullopt);
  return status.ok() ? written : status;
}

absl::Status Cohort::TryAdvance(std::stop_token stop) {
  try {
    return Advance(stop);
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("round ", progress_.front().rounds(), ": ", error.what()));
  }
}

std::optional<v1::ObservationNormalization> Cohort::Normalization(int64_t row) const {
  if (statistics_.empty()) return std::nullopt;
  const v1::ObservationNormalizationConfig& config = context_.config.observation_normalization();
  return MakeNormalization(statistics_[row], config.clip(), config.minimum_deviation());
}

absl::Status Cohort::CallReplay(std::stop_token stop,
                                const std::function<absl::Status()>& call) {
  return RetryUntilReachable(
      stop, [this](const std::string& what) { context_.board.SetWaiting(index_, what); }, call);
}

absl::Status Cohort::AwaitReplay(std::stop_token stop,
                                 const std::function<absl::Status()>& call) {
  const absl::Time begin = absl::Now();
  absl::Status status = absl::DeadlineExceededError("");
  while (absl::IsDeadlineExceeded(status)) {
    if (const auto failure = context_.fleet.Failure(context_.experiment_id)) {
      return absl::FailedPreconditionError(*failure);
    }
    SR2L_RETURN_IF_ERROR(CallReplay(stop, [&] {
      status = call();
      return absl::IsDeadlineExceeded(status) ? absl::OkStatus() : status;
    }));
    if (absl::IsDeadlineExceeded(status)) {
      context_.board.SetWaiting(index_, context_.fleet.num_actors() == 0
                                            ? "an actor: none is connected"
                                            : absl::StrCat("experience: ", status.message()));
    }
  }
  context_.metrics.RecordWait(absl::ToDoubleSeconds(absl::Now() - begin));
  return status;
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
        member, absl::ToDoubleSeconds(now - context_.board.started_at())));
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

absl::Status Cohort::KeepPolicies(int64_t first, int64_t count, uint64_t before,
                                  uint64_t round) {
  const uint64_t keep_every = context_.config.keep_policy_every();
  if (keep_every == 0 || round / keep_every == before / keep_every) return absl::OkStatus();
  return WriteMembers(first, count, round);
}

absl::Status Cohort::WriteMembers(int64_t first, int64_t count,
                                  std::optional<uint64_t> keep_round) {
  if (count == 0) return absl::OkStatus();
  const torch::Tensor baselines = Baselines(first, count).cpu();
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
