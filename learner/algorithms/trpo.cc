#include "learner/algorithms/trpo.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "learner/nn/initialize.h"

namespace sr2l {
namespace {

// Applies `function` to every tensor of a state; undefined tensors stay undefined.
template <typename Function>
TrpoState Map(const TrpoState& state, const Function& function) {
  const auto apply = [&](const torch::Tensor& tensor) {
    return tensor.defined() ? function(tensor) : tensor;
  };
  const BaselineState& baseline = state.baseline;
  return {.policy = apply(state.policy),
          .baseline = {.parameters = apply(baseline.parameters),
                       .adam = {.first = apply(baseline.adam.first),
                                .second = apply(baseline.adam.second),
                                .steps = apply(baseline.adam.steps)}}};
}

TrpoState Clone(const TrpoState& state) {
  return Map(state, [](const torch::Tensor& tensor) { return tensor.clone(); });
}

// Puts the members of `state` that failed back to `before`.
void RestoreFailed(const std::vector<std::string>& failure, const TrpoState& before,
                   TrpoState& state) {
  const auto restore = [&failure](const torch::Tensor& from, torch::Tensor to) {
    for (size_t m = 0; from.defined() && m < failure.size(); ++m) {
      const int64_t row = static_cast<int64_t>(m);
      if (!failure[m].empty()) to[row].copy_(from[row]);
    }
  };
  restore(before.policy, state.policy);
  restore(before.baseline.parameters, state.baseline.parameters);
  restore(before.baseline.adam.first, state.baseline.adam.first);
  restore(before.baseline.adam.second, state.baseline.adam.second);
  restore(before.baseline.adam.steps, state.baseline.adam.steps);
}

RoundBatch Part(const RoundBatch& batch, int64_t first, int64_t count) {
  const auto part = [=](const torch::Tensor& steps) { return steps.narrow(0, first, count); };
  return {.observations = part(batch.observations),
          .next_observations = part(batch.next_observations),
          .actions = part(batch.actions),
          .rewards = part(batch.rewards),
          .terminated = part(batch.terminated),
          .truncated = part(batch.truncated),
          .episode_step = part(batch.episode_step)};
}

void AppendStats(const TrpoStats& group, TrpoStats& all) {
  const auto append = [](const torch::Tensor& from, torch::Tensor& to) {
    to = to.defined() ? torch::cat({to, from}) : from;
  };
  append(group.kl, all.kl);
  append(group.surrogate, all.surrogate);
  append(group.loss_before, all.loss_before);
  append(group.loss_after, all.loss_after);
  append(group.nonsmoothness, all.nonsmoothness);
  append(group.nonsmoothness_after, all.nonsmoothness_after);
  append(group.perturbation_gain, all.perturbation_gain);
  append(group.boundary_share, all.boundary_share);
  append(group.sigma, all.sigma);
  append(group.value_loss, all.value_loss);
  append(group.explained_variance, all.explained_variance);
  append(group.gradient_norm, all.gradient_norm);
  append(group.backtracks, all.backtracks);
  all.failure.insert(all.failure.end(), group.failure.begin(), group.failure.end());
  all.seconds.advantages += group.seconds.advantages;
  all.seconds.perturbation += group.seconds.perturbation;
  all.seconds.gradient += group.seconds.gradient;
  all.seconds.conjugate_gradient += group.seconds.conjugate_gradient;
  all.seconds.line_search += group.seconds.line_search;
  all.seconds.value_fit += group.seconds.value_fit;
}

TrpoState InitialState(const TrpoOptions& options, const std::vector<MemberOptions>& members,
                       torch::Device device) {
  const std::vector<uint64_t> seeds = Seeds(members);
  const torch::Tensor network = XavierUniform(options.policy, seeds, Purpose::kPolicyInit);
  const int64_t sigmas = options.shared_sigma ? 1 : options.policy.outputs;
  const torch::Tensor log_std =
      torch::full({network.size(0), sigmas}, std::log(options.initial_sigma), torch::kFloat32)
          .clamp_min_(MinimumLogStd(options));
  TrpoState state = {.policy = torch::cat({network, log_std}, 1).to(device), .baseline = {}};
  if (const auto* value = std::get_if<ValueNetworkOptions>(&options.baseline)) {
    state.baseline = ValueNetwork::InitialState(*value, options.policy.inputs, seeds, device);
  } else {
    state.baseline = LinearBaseline::InitialState(options.policy.inputs, network.size(0));
  }
  return state;
}

std::vector<MemberOptions> Checked(std::vector<MemberOptions> members,
                                   const TrpoOptions& options,
                                   const std::optional<SmoothnessOptions>& smoothness) {
  CheckTrpoOptions(options);
  CheckMembers(members);
  if (smoothness.has_value()) CheckPerturbation(*smoothness, members);
  return members;
}

}  // namespace

Trpo::Trpo(TrpoOptions options, std::optional<SmoothnessOptions> smoothness,
           std::vector<MemberOptions> members, torch::Device device,
           DeviceGraphMaker new_graph)
    : options_(std::move(options)),
      smoothness_(std::move(smoothness)),
      device_(device),
      new_graph_(std::move(new_graph)),
      members_(Checked(std::move(members), options_, smoothness_)),
      state_(InitialState(options_, members_, device)) {}

// On the CPU nothing is gained by a larger group, and alone each member's bits are its own.
int64_t Trpo::GroupSize() const {
  return device_.is_cpu() ? 1 : static_cast<int64_t>(members_.size());
}

TrpoStats Trpo::Update(const RoundBatch& batch) {
  const torch::NoGradGuard no_gradient;
  CheckBatch(batch);
  const UpdateSize size = {GroupSize(), batch.rewards.size(1) * batch.rewards.size(2)};
  if (update_ == nullptr || size.members != workspace_size_.members ||
      size.rows != workspace_size_.rows) {
    const MlpPlacement placement = {.device = device_, .new_graph = new_graph_};
    update_ = std::make_unique<TrpoUpdate>(options_, smoothness_, size, placement);
    workspace_size_ = size;
  }
  TrpoStats stats;
  const int64_t count = static_cast<int64_t>(members_.size());
  for (int64_t first = 0; first < count; first += size.members) {
    AppendStats(UpdateGroup(batch, {first, size.members}), stats);
  }
  ++updates_;
  return stats;
}

TrpoStats Trpo::UpdateGroup(const RoundBatch& batch, const Group& group) {
  TrpoState state = Map(state_, [&](const torch::Tensor& tensor) {
    return tensor.narrow(0, group.first, group.count);
  });
  const TrpoState before = Clone(state);
  const std::vector<MemberOptions> members(members_.begin() + group.first,
                                           members_.begin() + group.first + group.count);
  const TrpoStats stats =
      update_->Update(Part(batch, group.first, group.count), members, updates_, state);
  RestoreFailed(stats.failure, before, state);
  return stats;
}

void Trpo::CheckBatch(const RoundBatch& batch) const {
  if (batch.rewards.dim() != 3 || batch.rewards.numel() == 0) {
    throw std::invalid_argument("rewards must be a non-empty [members, streams, steps]");
  }
  const int64_t streams = batch.rewards.size(1);
  const int64_t steps = batch.rewards.size(2);
  const auto check = [&](const char* name, const torch::Tensor& tensor, int64_t width) {
    std::vector<int64_t> expected = {static_cast<int64_t>(members_.size()), streams, steps};
    if (width > 0) expected.push_back(width);
    const bool same_device = tensor.device().type() == device_.type();
    if (tensor.sizes() != expected || tensor.scalar_type() != torch::kFloat32 ||
        !same_device || !tensor.is_contiguous()) {
      std::ostringstream message;
      message << name << " must be contiguous float32 " << torch::IntArrayRef(expected) << " on "
              << device_ << ", got " << tensor.scalar_type() << " " << tensor.sizes() << " on "
              << tensor.device();
      throw std::invalid_argument(message.str());
    }
  };
  check("observations", batch.observations, options_.policy.inputs);
  check("next_observations", batch.next_observations, options_.policy.inputs);
  check("actions", batch.actions, options_.policy.outputs);
  check("rewards", batch.rewards, 0);
  check("terminated", batch.terminated, 0);
  check("truncated", batch.truncated, 0);
  check("episode_step", batch.episode_step, 0);
}

torch::Tensor Trpo::policy_parameters() const {
  return state_.policy.narrow(1, 0, NumParameters(options_.policy)).clone();
}

torch::Tensor Trpo::log_std() const {
  const int64_t network = NumParameters(options_.policy);
  return state_.policy.narrow(1, network, state_.policy.size(1) - network).clone();
}

torch::Tensor Trpo::baseline_parameters() const { return state_.baseline.parameters.clone(); }

void Trpo::Keep(const std::vector<int64_t>& members) {
  std::vector<MemberOptions> kept;
  for (const int64_t member : members) {
    if (member < 0 || member >= static_cast<int64_t>(members_.size())) {
      throw std::invalid_argument("there is no member " + std::to_string(member) + " of " +
                                  std::to_string(members_.size()));
    }
    kept.push_back(members_[member]);
  }
  CheckMembers(kept);
  const torch::Tensor index = torch::tensor(members, torch::kInt64);
  state_ = Map(state_, [&index](const torch::Tensor& tensor) {
    return tensor.index_select(0, index.to(tensor.device()));
  });
  members_ = std::move(kept);
}

TrpoState Trpo::state() const { return Clone(state_); }

void Trpo::Restore(const TrpoState& state, uint64_t updates) {
  const auto check = [](const torch::Tensor& expected, const torch::Tensor& given) {
    const bool fits = expected.defined() == given.defined() &&
                      (!expected.defined() || (expected.sizes() == given.sizes() &&
                                               expected.scalar_type() == given.scalar_type()));
    if (!fits) throw std::invalid_argument("the state is not one of these options and members");
  };
  check(state_.policy, state.policy);
  check(state_.baseline.parameters, state.baseline.parameters);
  check(state_.baseline.adam.first, state.baseline.adam.first);
  check(state_.baseline.adam.second, state.baseline.adam.second);
  check(state_.baseline.adam.steps, state.baseline.adam.steps);
  state_ = Clone(Map(state, [this](const torch::Tensor& tensor) {
    return tensor.scalar_type() == torch::kFloat64 ? tensor : tensor.to(device_);
  }));
  updates_ = updates;
}

}  // namespace sr2l
