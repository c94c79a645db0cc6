#include "learner/algorithms/ddpg_update.h"

#include <algorithm>

#include "learner/algorithms/ddpg_terms.h"
#include "learner/algorithms/finite_checks.h"
#include "learner/nn/polyak.h"

namespace sr2l {
namespace {

// What failed, or what made it fail where the transitions did.
std::vector<std::string> Failures(const TransitionBlock& block, const DdpgState& state) {
  FiniteChecks checks;
  checks.Add("actor parameters", state.actor);
  checks.Add("critic parameters", state.critic);
  checks.Add("target actor parameters", state.target_actor);
  checks.Add("target critic parameters", state.target_critic);
  checks.Add("actor gradient means", state.actor_adam.first);
  checks.Add("actor squared gradient means", state.actor_adam.second);
  checks.Add("critic gradient means", state.critic_adam.first);
  checks.Add("critic squared gradient means", state.critic_adam.second);
  std::vector<std::string> failures = checks.Failures();
  const auto failed = [](const std::string& failure) { return !failure.empty(); };
  if (std::none_of(failures.begin(), failures.end(), failed)) return failures;
  FiniteChecks causes;
  causes.Add("observations", block.observations);
  causes.Add("actions", block.actions);
  causes.Add("rewards", block.rewards);
  causes.Add("next observations", block.next_observations);
  causes.Add("ends of episodes", block.terminated + block.truncated);
  const std::vector<std::string> named = causes.Failures();
  for (size_t m = 0; m < failures.size(); ++m) {
    if (failed(failures[m]) && failed(named[m])) failures[m] = named[m];
  }
  return failures;
}

std::vector<torch::Tensor> Tensors(const DdpgState& state) {
  std::vector<torch::Tensor> tensors;
  MapState(state, [&tensors](const torch::Tensor& tensor) {
    tensors.push_back(tensor);
    return tensor;
  });
  return tensors;
}

TransitionBlock Part(const TransitionBlock& block, int64_t first, int64_t count) {
  if (count == block.rewards.size(0)) return block;
  const auto part = [=](const torch::Tensor& rows) { return rows.narrow(0, first, count); };
  return {.observations = part(block.observations),
          .actions = part(block.actions),
          .rewards = part(block.rewards),
          .next_observations = part(block.next_observations),
          .terminated = part(block.terminated),
          .truncated = part(block.truncated)};
}

}  // namespace

DdpgUpdate::DdpgUpdate(const DdpgOptions& options, const std::optional<DdpgSmoothness>& smoothness,
                       int64_t members, const MlpPlacement& placement)
    : options_(options),
      smoothness_(smoothness),
      device_(placement.device),
      actor_adam_{.learning_rate = options.actor_learning_rate},
      critic_adam_{.learning_rate = options.critic_learning_rate},
      actor_(options.actor, members, placement),
      critic_(options.critic, members, placement),
      sums_(members, placement.device),
      graph_(placement.new_graph(placement.device)) {
  const int64_t rows = options.batch_size;
  const auto empty = [&](std::vector<int64_t> shape) {
    return torch::empty(shape, torch::TensorOptions(placement.device).dtype(placement.dtype));
  };
  observations_ = empty({members, rows, options.actor.inputs});
  actions_ = empty({members, rows, options.actor.outputs});
  rewards_ = empty({members, rows});
  next_observations_ = torch::empty_like(observations_);
  ended_ = torch::empty_like(rewards_);
  truncated_ = torch::empty_like(rewards_);
  joined_ = empty({members, rows, options.critic.inputs});
  taken_ = torch::empty_like(joined_);
  targets_ = torch::empty_like(rewards_);
  next_ = actor_.NewPoint(rows);
  next_q_ = critic_.NewPoint(rows);
  plain_actor_point_ = actor_.NewPoint(rows);
  plain_critic_point_ = critic_.NewPoint(rows);
  policy_q_ = critic_.NewPoint(rows);
  q_cotangent_ = empty({members, rows, 1});
  mean_q_cotangent_ = torch::full_like(q_cotangent_, -1.0 / static_cast<double>(rows));
  action_cotangent_ = torch::empty_like(actions_);
  critic_gradient_ = empty({members, critic_.num_parameters()});
  actor_gradient_ = empty({members, actor_.num_parameters()});
  if (!smoothness.has_value()) return;
  const bool on_policy = smoothness->target == SmoothnessTarget::kPolicy;
  distance_.emplace(on_policy ? actor_ : critic_, rows);
  perturbation_.emplace(smoothness->options, PerturbationSize{members, rows, options.actor.inputs},
                        placement.device, placement.dtype);
  distance_weight_ = 2 * torch::ones({members, 1, distance_->difference().size(2)},
                                     distance_->difference().options());
  coefficient_ = empty({members, 1, 1});
  moved_cotangent_ = torch::empty_like(distance_->difference());
}

DdpgStats DdpgUpdate::Update(const TransitionBlock& whole_block, int64_t first,
                             const std::vector<MemberOptions>& members, DdpgState& state) {
  const TransitionBlock block = Part(whole_block, first, actor_.members());
  const int64_t updates = block.rewards.size(1) / options_.batch_size;
  DdpgSeconds seconds;
  PhaseClock clock(device_, PhaseClock::PhaseEnd::kNoWait);
  Stage(members, state, updates);
  bool replay = false;
  if (graph_) {
    Load(block, 0);
    replay = graph_.Capture(Tensors(state), regularized_, [&] { Step(state, clock, seconds); });
  }
  sums_.Clear();
  clock.EndPhase(seconds.finish);
  for (int64_t update = 0; update < updates; ++update) {
    Load(block, update);
    if (replay) {
      graph_.Replay();
    } else {
      Step(state, clock, seconds);
    }
  }
  state.updates.add_(updates);
  DdpgStats stats = sums_.Means(updates, smoothness_.has_value());
  stats.failure = Failures(block, state);
  clock.EndPhase(seconds.finish);
  stats.seconds = seconds;
  return stats;
}

// All that updates need from outside their memory, but the transitions.
void DdpgUpdate::Stage(const std::vector<MemberOptions>& members, const DdpgState& state,
                       int64_t updates) {
  if (!smoothness_.has_value()) return;
  std::vector<float> coefficients;
  std::vector<uint64_t> first_updates;
  for (size_t m = 0; m < members.size(); ++m) {
    coefficients.push_back(static_cast<float>(members[m].coefficient));
    first_updates.push_back(state.updates.data_ptr<int64_t>()[m]);
  }
  regularized_ = std::any_of(coefficients.begin(), coefficients.end(),
                             [](float coefficient) { return coefficient > 0; });
  coefficient_.copy_(torch::tensor(coefficients, torch::kFloat32).view_as(coefficient_));
  perturbation_->Stage(Balls(members), first_updates, updates);
}

void DdpgUpdate::Load(const TransitionBlock& block, int64_t update) {
  const int64_t row = update * options_.batch_size;
  CopyRows(block.observations, row, observations_);
  CopyRows(block.actions, row, actions_);
  CopyRows(block.rewards, row, rewards_);
  CopyRows(block.next_observations, row, next_observations_);
  CopyRows(block.terminated, row, ended_);
  if (options_.terminate_at_truncation) {
    CopyRows(block.truncated, row, truncated_);
    torch::maximum_out(ended_, ended_, truncated_);
  }
  if (perturbation_.has_value()) perturbation_->Start(update);
}

void DdpgUpdate::Step(DdpgState& state, PhaseClock& clock, DdpgSeconds& seconds) {
  SetTargets(state);  // 1.
  clock.EndPhase(seconds.targets);

  JoinStateAction(observations_, actions_, taken_);
  critic_.Forward(state.critic, taken_, CriticPoint());
  if (On(SmoothnessTarget::kCritic)) {  // 2.
    clock.EndPhase(seconds.critic);
    Perturb(state.critic);
    clock.EndPhase(seconds.perturbation);
  }
  AdamStep(critic_adam_, CriticGradient(state), state.critic_adam, state.critic);  // 3.
  clock.EndPhase(seconds.critic);

  actor_.Forward(state.actor, observations_, ActorPoint());
  if (On(SmoothnessTarget::kPolicy)) {  // 4.
    clock.EndPhase(seconds.actor);
    Perturb(state.actor);
    clock.EndPhase(seconds.perturbation);
  }
  AdamStep(actor_adam_, ActorGradient(state), state.actor_adam, state.actor);  // 5.
  clock.EndPhase(seconds.actor);

  PolyakStep(options_.target_update_rate, state.critic, state.target_critic);  // 6.
  PolyakStep(options_.target_update_rate, state.actor, state.target_actor);
  clock.EndPhase(seconds.targets);
}

// y = r + gamma (1 - terminated) Q'(s', mu'(s')).
void DdpgUpdate::SetTargets(const DdpgState& state) {
  actor_.Forward(state.target_actor, next_observations_, next_);
  JoinStateAction(next_observations_, next_.outputs(), joined_);
  critic_.Forward(state.target_critic, joined_, next_q_);
  BellmanTargets({.rewards = rewards_,
                  .ended = ended_,
                  .next_q = next_q_.outputs(),
                  .discount = options_.discount},
                 targets_);
}

// delta = argmax over the ball of |out(s) - out(s + delta)|_2^2, nearly.
void DdpgUpdate::Perturb(const torch::Tensor& parameters) {
  const PerturbationResult result =
      perturbation_->Maximize(distance_->Objective(parameters, distance_weight_));
  sums_.AddPerturbation(result, distance_->difference());
}

// Gradient of mean (y - Q(s, a))^2 + lambda_s mean (Q(s, a) - Q(s + delta, a))^2 in phi.
const torch::Tensor& DdpgUpdate::CriticGradient(const DdpgState& state) {
  const bool regularized = On(SmoothnessTarget::kCritic) && regularized_;
  sums_.AddCritic(CriticPoint().outputs(), targets_);
  BellmanErrorGradient(CriticPoint().outputs(), targets_, q_cotangent_);
  if (regularized) {
    AddSmoothnessGradient(coefficient_, distance_->difference(), moved_cotangent_, q_cotangent_);
  }
  critic_.ParameterVjp(state.critic, CriticPoint(), q_cotangent_, critic_gradient_);
  if (regularized) {
    critic_.AddParameterVjp(state.critic, distance_->moved(), moved_cotangent_, critic_gradient_);
  }
  return critic_gradient_;
}

// Gradient of -mean Q(s, mu(s)) + lambda_s mean |mu(s) - mu(s + delta)|_2^2 in theta, Q being
// the critic after its step.
const torch::Tensor& DdpgUpdate::ActorGradient(const DdpgState& state) {
  const bool regularized = On(SmoothnessTarget::kPolicy) && regularized_;
  JoinStateAction(observations_, ActorPoint().outputs(), joined_);
  critic_.Forward(state.critic, joined_, policy_q_);
  sums_.AddActor(policy_q_.outputs());
  critic_.InputVjp(state.critic, policy_q_, mean_q_cotangent_, action_cotangent_,
                   /*first_input=*/options_.actor.inputs);
  if (regularized) {
    AddSmoothnessGradient(coefficient_, distance_->difference(), moved_cotangent_,
                          action_cotangent_);
  }
  actor_.ParameterVjp(state.actor, ActorPoint(), action_cotangent_, actor_gradient_);
  if (regularized) {
    actor_.AddParameterVjp(state.actor, distance_->moved(), moved_cotangent_, actor_gradient_);
  }
  return actor_gradient_;
}

// The regularized network's point is where its differences start.
MlpPoint& DdpgUpdate::ActorPoint() {
  return On(SmoothnessTarget::kPolicy) ? distance_->origin() : plain_actor_point_;
}

MlpPoint& DdpgUpdate::CriticPoint() {
  return On(SmoothnessTarget::kCritic) ? distance_->origin() : plain_critic_point_;
}

bool DdpgUpdate::On(SmoothnessTarget target) const {
  return smoothness_.has_value() && smoothness_->target == target;
}

}  // namespace sr2l
