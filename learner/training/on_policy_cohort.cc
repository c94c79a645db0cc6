#include "learner/training/on_policy_cohort.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "learner/checkpoint/state_tensors.h"
#include "learner/training/algorithm_options.h"
#include "learner/training/episode_record.h"
#include "learner/training/observation_normalizer.h"

namespace sr2l {
namespace {

RoundBatch ToDevice(const RoundBatch& batch, torch::Device device) {
  return {.observations = batch.observations.to(device),
          .next_observations = batch.next_observations.to(device),
          .actions = batch.actions.to(device),
          .rewards = batch.rewards.to(device),
          .terminated = batch.terminated.to(device),
          .truncated = batch.truncated.to(device),
          .episode_step = batch.episode_step.to(device)};
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

OnPolicyCohort::OnPolicyCohort(const TrainingContext& context, size_t index,
                               std::vector<uint32_t> members, torch::Device device)
    : Cohort(context, index, std::move(members)),
      device_(device),
      trpo_(MakeTrpoOptions(context.config), MakeSmoothnessOptions(context.config),
            MakeMemberOptions(context.config, this->members()), device, context.new_graph) {}

bool OnPolicyCohort::finished() const {
  return version_ >= static_cast<uint64_t>(config().rounds());
}

absl::Status OnPolicyCohort::Advance(std::stop_token stop) {
  const uint64_t round = version_;
  Publish(0, num_rows());
  SR2L_ASSIGN_OR_RETURN(Round collected, CollectRound(round, stop));
  Normalize(collected.batch);
  const TrpoStats stats = trpo_.Update(ToDevice(collected.batch, device_));
  ++version_;
  SR2L_RETURN_IF_ERROR(RecordRound(round, collected, stats));
  SR2L_RETURN_IF_ERROR(DropFailed(0, stats.failure));
  SR2L_RETURN_IF_ERROR(KeepPolicies(0, num_rows(), round, version_));
  return EvaluatePolicies(0, num_rows(), round, version_);
}

absl::StatusOr<Round> OnPolicyCohort::CollectRound(uint64_t round, std::stop_token stop) {
  std::vector<v1::Chunk> chunks;
  SR2L_RETURN_IF_ERROR(AwaitReplay(stop, [&]() -> absl::Status {
    SR2L_ASSIGN_OR_RETURN(chunks, context().replay.ReadRound(context().experiment_id, members(),
                                                             round, kReplayPatience, stop));
    return absl::OkStatus();
  }));
  return AssembleRound(chunks, round, Shape());
}

void OnPolicyCohort::Normalize(RoundBatch& batch) {
  for (int64_t row = 0; row < num_rows(); ++row) {
    const auto normalization = Normalization(row);
    if (!normalization.has_value()) return;
    // The policy acted with the statistics before this round.
    AddObservations(batch.observations[row], *statistics(row));
    NormalizeObservations(*normalization, batch.observations[row]);
    NormalizeObservations(*normalization, batch.next_observations[row]);
  }
}

absl::Status OnPolicyCohort::RecordRound(uint64_t round, const Round& collected,
                                         const TrpoStats& stats) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < num_rows(); ++row) {
    // An update that failed was taken back: it is no point of the curve.
    if (!stats.failure[row].empty()) continue;
    v1::MemberProgress& member = progress(row);
    member.set_rounds(round + 1);
    member.set_env_steps(member.env_steps() + config().steps_per_round());
    member.set_updates(member.updates() + 1);
    RecordEpisodes(collected.episodes[row], member);
    RecordStats(stats, row, config().has_smoothness(), member);
    rows.push_back(row);
  }
  context().metrics.RecordPhases(stats.seconds);
  return Record(rows, rows.size() * config().steps_per_round(), rows.size());
}

std::vector<v1::PolicySnapshot> OnPolicyCohort::Policies(int64_t first, int64_t count) const {
  const torch::Tensor parameters = trpo_.policy_parameters().cpu();
  const torch::Tensor log_std = trpo_.log_std().cpu().contiguous();
  const int64_t sigmas = log_std.size(1);
  std::vector<v1::PolicySnapshot> policies(count);
  for (int64_t i = 0; i < count; ++i) {
    v1::PolicySnapshot& policy = policies[i];
    policy.set_version(version_);
    *policy.mutable_network() = PolicyNetworkShape(config());
    policy.set_parameters(FloatBytes(parameters[first + i]));
    const float* sigma = log_std.data_ptr<float>() + (first + i) * sigmas;
    policy.mutable_log_std()->Assign(sigma, sigma + sigmas);
  }
  return policies;
}

torch::Tensor OnPolicyCohort::Baselines(int64_t first, int64_t count) const {
  return trpo_.baseline_parameters().narrow(0, first, count);
}

void OnPolicyCohort::Save(std::vector<v1::MemberCheckpoint>& members) {
  TrpoState state = trpo_.state();
  for (int64_t row = 0; row < num_rows(); ++row) SaveRow(TensorsOf(state), row, members[row]);
}

absl::Status OnPolicyCohort::Load(const std::vector<v1::MemberCheckpoint>& members) {
  TrpoState state = trpo_.state();
  for (int64_t row = 0; row < num_rows(); ++row) {
    if (members[row].position() != members.front().position()) {
      return absl::DataLossError(absl::StrCat("members of one cohort stand at rounds ",
                                              members.front().position(), " and ",
                                              members[row].position()));
    }
    SR2L_RETURN_IF_ERROR(LoadRow(members[row], row, TensorsOf(state)));
  }
  version_ = members.front().position();
  trpo_.Restore(state, version_);
  return absl::OkStatus();
}

absl::Status OnPolicyCohort::Release(uint64_t position, std::stop_token stop) {
  return CallReplay(stop, [this, position, stop] {
    return context().replay.ReleaseRounds(context().experiment_id, members(), position, stop);
  });
}

RoundShape OnPolicyCohort::Shape() const {
  return {.members = members(),
          .streams = config().streams_per_member(),
          .steps = config().steps_per_round() / config().streams_per_member(),
          .observation_dim = config().task().observation_dim(),
          .action_dim = config().task().action_dim()};
}

}  // namespace sr2l
