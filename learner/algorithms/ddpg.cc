#include "learner/algorithms/ddpg.h"

#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "learner/nn/initialize.h"

namespace sr2l {
namespace {

DdpgState Clone(const DdpgState& state) {
  return MapState(state, [](const torch::Tensor& tensor) { return tensor.clone(); });
}

// Puts the members of `state` that failed back to `before`.
void RestoreFailed(const std::vector<std::string>& failure, const DdpgState& before,
                   DdpgState& state) {
  for (size_t m = 0; m < failure.size(); ++m) {
    if (failure[m].empty()) continue;
    const int64_t row = static_cast<int64_t>(m);
    ForEachPair(before, state,
                [row](const torch::Tensor& from, torch::Tensor& to) { to[row].copy_(from[row]); });
  }
}

void AppendStats(const DdpgStats& group, DdpgStats& all) {
  const auto append = [](const torch::Tensor& from, torch::Tensor& to) {
    to = to.defined() ? torch::cat({to, from}) : from;
  };
  append(group.critic_loss, all.critic_loss);
  append(group.q_mean, all.q_mean);
  append(group.actor_objective, all.actor_objective);
  append(group.nonsmoothness, all.nonsmoothness);
  append(group.perturbation_gain, all.perturbation_gain);
  append(group.boundary_share, all.boundary_share);
  append(group.local_lipschitz, all.local_lipschitz);
  all.failure.insert(all.failure.end(), group.failure.begin(), group.failure.end());
  all.seconds.targets += group.seconds.targets;
  all.seconds.critic += group.seconds.critic;
  all.seconds.perturbation += group.seconds.perturbation;
  all.seconds.actor += group.seconds.actor;
  all.seconds.finish += group.seconds.finish;
}

DdpgState InitialState(const DdpgOptions& options, const std::vector<MemberOptions>& members,
                       torch::Device device) {
  const std::vector<uint64_t> seeds = Seeds(members);
  DdpgState state;
  state.actor = XavierNormal(options.actor, seeds, Purpose::kPolicyInit).to(device);
  state.critic = XavierNormal(options.critic, seeds, Purpose::kCriticInit).to(device);
  state.target_actor = state.actor.clone();
  state.target_critic = state.critic.clone();
  state.actor_adam = AdamState::Zeros(state.actor);
  state.critic_adam = AdamState::Zeros(state.critic);
  state.updates = torch::zeros({state.actor.size(0)}, torch::kInt64);
  return state;
}

std::vector<MemberOptions> Checked(std::vector<MemberOptions> members, const DdpgOptions& options,
                                   const std::optional<DdpgSmoothness>& smoothness) {
  CheckDdpgOptions(options);
  CheckMembers(members);
  if (smoothness.has_value()) CheckDdpgSmoothness(*smoothness, members);
  return members;
}

}  // namespace

Ddpg::Ddpg(DdpgOptions options, std::optional<DdpgSmoothness> smoothness,
           std::vector<MemberOptions> members, torch::Device device,
           DeviceGraphMaker new_graph)
    : options_(std::move(options)),
      smoothness_(std::move(smoothness)),
      device_(device),
      new_graph_(std::move(new_graph)),
      members_(Checked(std::move(members), options_, smoothness_)) {
  SetState(InitialState(options_, members_, device));
}

DdpgState Ddpg::Rows(int64_t first, int64_t count) const {
  return MapState(state_,
                  [=](const torch::Tensor& tensor) { return tensor.narrow(0, first, count); });
}

void Ddpg::SetState(DdpgState state) {
  state_ = std::move(state);
  alone_.clear();
  for (int64_t m = 0; m < state_.actor.size(0); ++m) alone_.push_back(Rows(m, 1));
}

DdpgStats Ddpg::Update(int64_t first, const TransitionBlock& block) {
  const torch::NoGradGuard no_gradient;
  CheckBlock(first, block);
  const int64_t count = block.rewards.size(0);
  // On the CPU nothing is gained by a larger group, and alone each member's bits are its own.
  const int64_t group_size = device_.is_cpu() ? 1 : count;
  if (update_ == nullptr || group_size != group_size_) {
    const MlpPlacement placement = {.device = device_, .new_graph = new_graph_};
    update_ = std::make_unique<DdpgUpdate>(options_, smoothness_, group_size, placement);
    before_ = Clone(Rows(first, group_size));
    group_size_ = group_size;
  }
  DdpgStats stats = UpdateGroup(first, 0, block);
  for (int64_t row = group_size; row < count; row += group_size) {
    AppendStats(UpdateGroup(first + row, row, block), stats);
  }
  return stats;
}

DdpgStats Ddpg::UpdateGroup(int64_t first, int64_t row, const TransitionBlock& block) {
  DdpgState state = group_size_ == 1 ? alone_[first] : Rows(first, group_size_);
  ForEachPair(state, before_, [](const torch::Tensor& from, torch::Tensor& to) { to.copy_(from); });
  const std::vector<MemberOptions> members(members_.begin() + first,
                                           members_.begin() + first + group_size_);
  DdpgStats stats = update_->Update(block, row, members, state);
  RestoreFailed(stats.failure, before_, state);
  return stats;
}

void Ddpg::CheckBlock(int64_t first, const TransitionBlock& block) const {
  const torch::Tensor& rewards = block.rewards;
  if (rewards.dim() != 2 || rewards.numel() == 0 || rewards.size(1) % options_.batch_size != 0) {
    std::ostringstream message;
    message << "rewards must be a non-empty [members, a multiple of " << options_.batch_size
            << "], got " << rewards.sizes();
    throw std::invalid_argument(message.str());
  }
  const int64_t count = rewards.size(0);
  if (first < 0 || first + count > static_cast<int64_t>(members_.size())) {
    throw std::invalid_argument("there are no members " + std::to_string(first) + " to " +
                                std::to_string(first + count - 1) + " of " +
                                std::to_string(members_.size()));
  }
  const auto check = [&](const char* name, const torch::Tensor& tensor, int64_t width) {
    std::vector<int64_t> expected = {count, rewards.size(1)};
    if (width > 0) expected.push_back(width);
    if (tensor.sizes() == expected && tensor.scalar_type() == torch::kFloat32 &&
        tensor.device().type() == device_.type() && tensor.is_contiguous()) {
      return;
    }
    std::ostringstream message;
    message << name << " must be contiguous float32 " << torch::IntArrayRef(expected) << " on "
            << device_ << ", got " << tensor.scalar_type() << " " << tensor.sizes() << " on "
            << tensor.device();
    throw std::invalid_argument(message.str());
  };
  check("next_observations", block.next_observations, options_.actor.inputs);
  check("observations", block.observations, options_.actor.inputs);
  check("actions", block.actions, options_.actor.outputs);
  check("rewards", rewards, 0);
  check("terminated", block.terminated, 0);
  check("truncated", block.truncated, 0);
}

torch::Tensor Ddpg::actor_parameters(int64_t first, int64_t count) const {
  return state_.actor.narrow(0, first, count).clone();
}

torch::Tensor Ddpg::critic_parameters(int64_t first, int64_t count) const {
  return state_.critic.narrow(0, first, count).clone();
}

torch::Tensor Ddpg::actor_parameters() const { return state_.actor.clone(); }

torch::Tensor Ddpg::critic_parameters() const { return state_.critic.clone(); }

void Ddpg::Keep(const std::vector<int64_t>& members) {
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
  SetState(MapState(state_, [&index](const torch::Tensor& tensor) {
    return tensor.index_select(0, index.to(tensor.device()));
  }));
  members_ = std::move(kept);
}

uint64_t Ddpg::updates(int64_t member) const {
  return static_cast<uint64_t>(state_.updates[member].item<int64_t>());
}

DdpgState Ddpg::state() const { return Clone(state_); }

void Ddpg::Restore(const DdpgState& state) {
  DdpgState restored = MapState(state, [](const torch::Tensor& tensor) { return tensor; });
  ForEachPair(state_, restored, [](const torch::Tensor& expected, torch::Tensor& given) {
    if (!given.defined() || given.sizes() != expected.sizes() ||
        given.scalar_type() != expected.scalar_type()) {
      throw std::invalid_argument("the state is not one of these options and members");
    }
    given = given.to(expected.device()).clone(torch::MemoryFormat::Contiguous);
  });
  SetState(std::move(restored));
}

}  // namespace sr2l
