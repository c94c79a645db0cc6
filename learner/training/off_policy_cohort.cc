#include "learner/training/off_policy_cohort.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/statistics/statistics_proto.h"
#include "common/status/status_macros.h"
#include "learner/checkpoint/state_tensors.h"
#include "learner/training/algorithm_options.h"
#include "learner/training/episode_record.h"
#include "learner/training/observation_normalizer.h"

namespace sr2l {
namespace {

// For a draw that the replay grants at once or never.
constexpr double kLastPatienceSeconds = 0.05;

TransitionBlock ToDevice(const TransitionBlock& block, torch::Device device) {
  return {.observations = block.observations.to(device),
          .actions = block.actions.to(device),
          .rewards = block.rewards.to(device),
          .next_observations = block.next_observations.to(device),
          .terminated = block.terminated.to(device),
          .truncated = block.truncated.to(device)};
}

}  // namespace

OffPolicyCohort::OffPolicyCohort(const TrainingContext& context, size_t index,
                                 std::vector<uint32_t> members, torch::Device device)
    : Cohort(context, index, std::move(members)),
      device_(device),
      ddpg_(MakeDdpgOptions(context.config), MakeDdpgSmoothness(context.config),
            MakeMemberOptions(context.config, this->members()), device, context.new_graph),
      rows_(this->members().size()),
      prefetcher_(context.replay, context.config.task().observation_dim(),
                  context.config.task().action_dim()) {
  const int64_t group_size = device.is_cpu() ? 1 : num_rows();
  for (int64_t first = 0; first < num_rows(); first += group_size) {
    groups_.push_back({.first = first, .count = group_size});
  }
  for (Row& row : rows_) row.end_steps.resize(context.config.streams_per_member());
}

bool OffPolicyCohort::finished() const {
  return std::all_of(groups_.begin(), groups_.end(),
                     [](const Group& group) { return group.finished; });
}

uint64_t OffPolicyCohort::num_cycles() const {
  return steps_per_stream() * config().streams_per_member() / config().ddpg().steps_per_cycle();
}

uint64_t OffPolicyCohort::steps_per_stream() const {
  return static_cast<uint64_t>(config().rounds()) * config().steps_per_round() /
         config().streams_per_member();
}

absl::Status OffPolicyCohort::Advance(std::stop_token stop) {
  if (!std::exchange(started_, true)) Publish(0, num_rows());
  while (groups_[next_group_].finished) next_group_ = (next_group_ + 1) % groups_.size();
  const size_t index = next_group_;
  SR2L_ASSIGN_OR_RETURN(SampledBlock block, Draw(groups_[index], stop));
  Group& group = groups_[index];
  const bool drawn = block.transitions.rewards.size(1) > 0;
  if (drawn) group.num_drawn += block.transitions.rewards.size(1);
  if (drawn || !free_running()) ++group.cycle;
  for (int64_t i = 0; i < group.count; ++i) {
    SR2L_RETURN_IF_ERROR(TakeSummary(group.first + i, block.summaries[i]));
  }
  group.finished = free_running() ? AllSteps(block) && !drawn : group.cycle == num_cycles();
  next_group_ = (index + 1) % groups_.size();
  // With one group, the next steps of SYNCHRONOUS collection need the policy to be made.
  if ((next_group_ != index || free_running()) && !groups_[next_group_].finished) {
    prefetcher_.Start(RequestOf(groups_[next_group_]));
  }
  return Learn(Group(group), block.transitions);
}

int64_t OffPolicyCohort::NumDraws(const Group& group) const {
  const v1::DdpgConfig& ddpg = config().ddpg();
  const uint64_t stored = (group.cycle + 1) * ddpg.steps_per_cycle();
  if (!free_running() && stored < static_cast<uint64_t>(ddpg.first_update())) return 0;
  return int64_t{ddpg.updates_per_cycle()} * ddpg.batch_size();
}

v1::SampleRequest OffPolicyCohort::RequestOf(const Group& group) {
  v1::SampleRequest request;
  request.set_experiment_id(context().experiment_id);
  for (int64_t row = group.first; row < group.first + group.count; ++row) {
    v1::MemberSample& member = *request.add_members();
    member.set_member(members()[row]);
    member.set_seed(progress(row).seed());
    member.mutable_since_step()->Assign(rows_[row].end_steps.begin(), rows_[row].end_steps.end());
  }
  if (!free_running()) {
    request.set_up_to_step((group.cycle + 1) * config().ddpg().steps_per_cycle() /
                           config().streams_per_member());
  }
  if (!free_running()) request.set_released_step(released_step_);
  request.set_first_draw(group.num_drawn);
  request.set_num_draws(static_cast<uint32_t>(NumDraws(group)));
  request.set_policy_version(group.cycle);
  request.set_max_wait_seconds(absl::ToDoubleSeconds(kReplayPatience));
  return request;
}

absl::StatusOr<SampledBlock> OffPolicyCohort::Draw(const Group& group, std::stop_token stop) {
  SampledBlock block;
  SR2L_RETURN_IF_ERROR(AwaitReplay(stop, [&]() -> absl::Status {
    // Anew each time: a checkpoint meanwhile may have released steps.
    const v1::SampleRequest request = RequestOf(group);
    auto drawn = prefetcher_.Take(request, stop);
    if (free_running() && absl::IsDeadlineExceeded(drawn.status())) {
      drawn = DrawLast(request, drawn.status(), stop);
    }
    SR2L_ASSIGN_OR_RETURN(block, std::move(drawn));
    return absl::OkStatus();
  }));
  return block;
}

absl::StatusOr<SampledBlock> OffPolicyCohort::DrawLast(const v1::SampleRequest& request,
                                                       const absl::Status& wait,
                                                       const std::stop_token& stop) {
  v1::SampleRequest steps_only = request;
  steps_only.set_num_draws(0);
  SR2L_ASSIGN_OR_RETURN(SampledBlock last, prefetcher_.Take(steps_only, stop));
  if (!AllSteps(last)) return wait;
  // Only now it is known that nothing is added: what waited before may have its draw by now.
  v1::SampleRequest again = request;
  again.set_max_wait_seconds(kLastPatienceSeconds);
  absl::StatusOr<SampledBlock> block = prefetcher_.Take(again, stop);
  if (absl::IsDeadlineExceeded(block.status())) return last;
  return block;
}

bool OffPolicyCohort::AllSteps(const SampledBlock& block) const {
  const uint64_t total = steps_per_stream();
  return std::all_of(block.summaries.begin(), block.summaries.end(),
                     [total](const v1::SampleSummary& summary) {
                       return std::all_of(summary.end_step().begin(), summary.end_step().end(),
                                          [total](uint64_t step) { return step >= total; });
                     });
}

absl::Status OffPolicyCohort::Learn(const Group& group, TransitionBlock& transitions) {
  const uint64_t updates = transitions.rewards.size(1) / config().ddpg().batch_size();
  std::vector<std::string> failure(group.count);
  if (updates > 0) {
    Normalize(group, transitions);
    const DdpgStats stats = ddpg_.Update(group.first, ToDevice(transitions, device_));
    AddFigures(group.first, updates, stats);
    failure = stats.failure;
  }
  for (int64_t row = group.first; row < group.first + group.count; ++row) {
    rows_[row].version = group.cycle;
    if (failure[row - group.first].empty()) {
      progress(row).set_updates(progress(row).updates() + updates);
    }
  }
  if (group.finished) {
    LeaveFleet(group.first, group.count);
  } else {
    Publish(group.first, group.count);
  }
  SR2L_RETURN_IF_ERROR(RecordRounds(group, updates, failure));
  return DropFailed(group.first, failure);
}

absl::Status OffPolicyCohort::TakeSummary(int64_t row, const v1::SampleSummary& summary) {
  if (summary.end_step_size() != config().streams_per_member()) {
    return absl::InternalError(absl::StrCat("the replay told of ", summary.end_step_size(),
                                            " streams, not of ", config().streams_per_member()));
  }
  for (int i = 0; i < summary.end_step_size(); ++i) {
    if (summary.end_step(i) >= rows_[row].end_steps[i]) continue;
    return absl::AbortedError(absl::StrCat("the replay has lost steps: it held ",
                                           rows_[row].end_steps[i], " of stream ", i, " of member ",
                                           members()[row], ", and now ", summary.end_step(i)));
  }
  rows_[row].end_steps.assign(summary.end_step().begin(), summary.end_step().end());
  rows_[row].episodes.insert(rows_[row].episodes.end(), summary.episodes().begin(),
                             summary.episodes().end());
  if (statistics(row) == nullptr) return absl::OkStatus();
  SR2L_ASSIGN_OR_RETURN(
      const RunningStatistics observations,
      FromProto(summary.observations(), config().task().observation_dim()));
  statistics(row)->Merge(observations);
  return absl::OkStatus();
}

void OffPolicyCohort::Normalize(const Group& group, TransitionBlock& transitions) const {
  for (int64_t i = 0; i < group.count; ++i) {
    const auto normalization = Normalization(group.first + i);
    if (!normalization.has_value()) return;
    NormalizeObservations(*normalization, transitions.observations[i]);
    NormalizeObservations(*normalization, transitions.next_observations[i]);
  }
}

void OffPolicyCohort::AddFigures(int64_t first, uint64_t updates, const DdpgStats& stats) {
  for (size_t i = 0; i < stats.failure.size(); ++i) {
    const auto total = [i, updates](const torch::Tensor& mean) {
      return static_cast<double>(updates) * mean[static_cast<int64_t>(i)].item<double>();
    };
    Figures& sums = rows_[first + i].sums;
    sums.updates += updates;
    sums.critic_loss += total(stats.critic_loss);
    sums.q_mean += total(stats.q_mean);
    sums.actor_objective += total(stats.actor_objective);
    if (!config().has_smoothness()) continue;
    sums.nonsmoothness += total(stats.nonsmoothness);
    sums.perturbation_gain += total(stats.perturbation_gain);
    sums.boundary_share += total(stats.boundary_share);
    sums.local_lipschitz += total(stats.local_lipschitz);
  }
  context().metrics.RecordPhases(stats.seconds);
}

absl::Status OffPolicyCohort::RecordRounds(const Group& group, uint64_t updates,
                                           const std::vector<std::string>& failure) {
  std::vector<int64_t> finished_rows;
  uint64_t steps = 0;
  uint64_t learned = 0;
  for (int64_t row = group.first; row < group.first + group.count; ++row) {
    // Updates that failed were taken back: they are no point of the curve.
    if (!failure[row - group.first].empty()) continue;
    v1::MemberProgress& member = progress(row);
    const uint64_t stored = std::accumulate(rows_[row].end_steps.begin(),
                                            rows_[row].end_steps.end(), uint64_t{0});
    const uint64_t rounds = stored / config().steps_per_round();
    steps += stored - member.env_steps();
    learned += updates;
    member.set_env_steps(stored);
    // After the last step there may be updates still: its round ends with the group.
    const bool last = rounds == static_cast<uint64_t>(config().rounds());
    if (!group.finished && (last || rounds == member.rounds())) continue;
    const uint64_t rounds_before = member.rounds();
    member.set_rounds(rounds);
    RecordEpisodes(rows_[row].episodes, member);
    WriteFigures(rows_[row].sums, member);
    rows_[row].episodes.clear();
    rows_[row].sums = Figures();
    finished_rows.push_back(row);
    SR2L_RETURN_IF_ERROR(KeepPolicies(row, 1, rounds_before, rounds));
    SR2L_RETURN_IF_ERROR(EvaluatePolicies(row, 1, rounds_before, rounds));
  }
  return Record(finished_rows, steps, learned);
}

void OffPolicyCohort::WriteFigures(const Figures& sums, v1::MemberProgress& member) const {
  if (sums.updates == 0) return;
  const double count = static_cast<double>(sums.updates);
  member.set_critic_loss(sums.critic_loss / count);
  member.set_q_mean(sums.q_mean / count);
  member.set_actor_objective(sums.actor_objective / count);
  if (!config().has_smoothness()) return;
  member.set_nonsmoothness(sums.nonsmoothness / count);
  member.set_perturbation_gain(sums.perturbation_gain / count);
  member.set_boundary_share(sums.boundary_share / count);
  member.set_local_lipschitz(sums.local_lipschitz / count);
}

std::vector<v1::PolicySnapshot> OffPolicyCohort::Policies(int64_t first, int64_t count) const {
  const torch::Tensor parameters = ddpg_.actor_parameters(first, count).cpu();
  std::vector<v1::PolicySnapshot> policies(count);
  for (int64_t i = 0; i < count; ++i) {
    policies[i].set_version(rows_[first + i].version);
    *policies[i].mutable_network() = PolicyNetworkShape(config());
    policies[i].set_parameters(FloatBytes(parameters[i]));
  }
  return policies;
}

torch::Tensor OffPolicyCohort::Baselines(int64_t first, int64_t count) const {
  return ddpg_.critic_parameters(first, count);
}

void OffPolicyCohort::Save(std::vector<v1::MemberCheckpoint>& members) {
  DdpgState state = ddpg_.state();
  for (const Group& group : groups_) {
    for (int64_t row = group.first; row < group.first + group.count; ++row) {
      SaveRow(TensorsOf(state), row, members[row]);
      const Figures& sums = rows_[row].sums;
      v1::OffPolicyPosition& position = *members[row].mutable_off_policy();
      position.set_num_drawn(group.num_drawn);
      position.mutable_end_step()->Assign(rows_[row].end_steps.begin(),
                                          rows_[row].end_steps.end());
      position.mutable_episodes()->Assign(rows_[row].episodes.begin(),
                                          rows_[row].episodes.end());
      position.set_figure_updates(sums.updates);
      for (const double sum :
           {sums.critic_loss, sums.q_mean, sums.actor_objective, sums.nonsmoothness,
            sums.perturbation_gain, sums.boundary_share, sums.local_lipschitz}) {
        position.add_figure_sums(sum);
      }
    }
  }
}

absl::Status OffPolicyCohort::Load(const std::vector<v1::MemberCheckpoint>& members) {
  DdpgState state = ddpg_.state();
  for (Group& group : groups_) {
    group.cycle = members[group.first].position();
    group.num_drawn = members[group.first].off_policy().num_drawn();
    group.finished = !free_running() && group.cycle == num_cycles();
    for (int64_t row = group.first; row < group.first + group.count; ++row) {
      const v1::OffPolicyPosition& position = members[row].off_policy();
      if (members[row].position() != group.cycle || position.num_drawn() != group.num_drawn ||
          position.end_step_size() != config().streams_per_member() ||
          position.figure_sums_size() != 7) {
        return absl::DataLossError(absl::StrCat("the checkpoint of member ",
                                                members[row].member(), " does not fit"));
      }
      SR2L_RETURN_IF_ERROR(LoadRow(members[row], row, TensorsOf(state)));
      const auto sum = [&position](int i) { return position.figure_sums(i); };
      rows_[row] = {.version = group.cycle,
                    .end_steps = {position.end_step().begin(), position.end_step().end()},
                    .episodes = {position.episodes().begin(), position.episodes().end()},
                    .sums = {.updates = position.figure_updates(),
                             .critic_loss = sum(0),
                             .q_mean = sum(1),
                             .actor_objective = sum(2),
                             .nonsmoothness = sum(3),
                             .perturbation_gain = sum(4),
                             .boundary_share = sum(5),
                             .local_lipschitz = sum(6)}};
    }
  }
  ddpg_.Restore(state);
  return absl::OkStatus();
}

// The replay holds a quarter of the capacity, or six cycles, besides what can be sampled
// (TransitionTable::MostStreamSteps). That is room for the three spans since the checkpoint
// before the last one that is written, a group that is a cycle ahead, and the next cycle.
uint64_t OffPolicyCohort::CheckpointSpan() const {
  if (free_running()) return std::numeric_limits<uint64_t>::max();  // the oldest make room
  const v1::DdpgConfig& ddpg = config().ddpg();
  return std::max(1, ddpg.capacity() / 16 / ddpg.steps_per_cycle());
}

absl::Status OffPolicyCohort::Release(uint64_t position, std::stop_token /*stop*/) {
  released_step_ = position * config().ddpg().steps_per_cycle() / config().streams_per_member();
  return absl::OkStatus();
}

void OffPolicyCohort::KeepRows(const std::vector<int64_t>& rows) {
  ddpg_.Keep(rows);
  std::vector<Row> kept_rows;
  std::vector<Group> kept_groups;
  size_t next_group = next_group_;
  for (size_t i = 0; i < groups_.size(); ++i) {
    const Group& group = groups_[i];
    Group kept = group;
    kept.first = static_cast<int64_t>(kept_rows.size());
    for (const int64_t row : rows) {
      if (row >= group.first && row < group.first + group.count) kept_rows.push_back(rows_[row]);
    }
    kept.count = static_cast<int64_t>(kept_rows.size()) - kept.first;
    if (kept.count > 0) {
      kept_groups.push_back(kept);
    } else if (i < next_group_) {
      --next_group;
    }
  }
  rows_ = std::move(kept_rows);
  groups_ = std::move(kept_groups);
  next_group_ = next_group < groups_.size() ? next_group : 0;
}

}  // namespace sr2l
