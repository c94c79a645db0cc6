#include "learner/algorithms/trpo_update.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "learner/algorithms/fisher.h"
#include "learner/algorithms/phase_clock.h"
#include "learner/nn/member_reduce.h"

namespace sr2l {
namespace {

std::unique_ptr<Baseline> MakeBaseline(const TrpoOptions& options, const UpdateSize& size,
                                       const MlpPlacement& placement) {
  if (const auto* network = std::get_if<ValueNetworkOptions>(&options.baseline)) {
    return std::make_unique<ValueNetwork>(
        *network, options.gae_lambda,
        ValueNetworkSize{size.members, options.policy.inputs, size.rows}, placement);
  }
  return std::make_unique<LinearBaseline>(std::get<LinearBaselineOptions>(options.baseline));
}

// exp(log_std + kLogStdRoom) is finite in float32 while a sample 10^3 sigma away is.
constexpr double kLogStdRoom = 8;

// [M, N, T, ...] to [M, B, ...].
torch::Tensor Rows(const torch::Tensor& steps) { return steps.flatten(1, 2); }

// [M] float64 on the device; undefined when no member has a regularizer.
torch::Tensor Coefficients(const std::vector<MemberOptions>& members, torch::Device device) {
  std::vector<double> values;
  for (const MemberOptions& member : members) values.push_back(member.coefficient);
  if (std::all_of(values.begin(), values.end(), [](double x) { return x == 0; })) return {};
  return torch::tensor(values, torch::kFloat64).to(device);
}

FiniteChecks CheckInputs(const RoundBatch& batch) {
  FiniteChecks checks;
  checks.Add("observations", batch.observations);
  checks.Add("next observations", batch.next_observations);
  checks.Add("actions", batch.actions);
  checks.Add("rewards", batch.rewards);
  checks.Add("ends of episodes", batch.terminated + batch.truncated + batch.episode_step);
  return checks;
}

void AddBaseline(const BaselineState& baseline, FiniteChecks& checks) {
  checks.Add("baseline parameters", baseline.parameters);
  if (!baseline.adam.first.defined()) return;
  checks.Add("baseline gradient means", baseline.adam.first);
  checks.Add("baseline squared gradient means", baseline.adam.second);
}

// 1 - Var(targets - values) / Var(targets), [M].
torch::Tensor ExplainedVariance(const torch::Tensor& values, const torch::Tensor& targets) {
  const auto variance = [](const torch::Tensor& x) {
    return MemberMean((x - PerMember(MemberMean(x), x)).square());
  };
  return 1 - variance(targets - values) / variance(targets);
}

void RecordStep(const LineSearchStart& start, const LineSearchResult& step, TrpoStats& stats) {
  stats.kl = step.loss.kl.cpu();
  stats.surrogate = step.loss.surrogate.cpu();
  stats.loss_before = start.loss.loss.cpu();
  stats.loss_after = step.loss.loss.cpu();
  stats.nonsmoothness = start.loss.nonsmoothness.cpu();
  stats.nonsmoothness_after = step.loss.nonsmoothness.cpu();
  stats.backtracks = step.backtracks.to(torch::kCPU, torch::kInt32);
}

void RecordPerturbation(const std::optional<PerturbationResult>& perturbation,
                        TrpoStats& stats) {
  const torch::Tensor none =
      torch::full_like(stats.kl, std::numeric_limits<double>::quiet_NaN());
  stats.perturbation_gain = none;
  stats.boundary_share = none;
  if (!perturbation.has_value()) return;
  stats.perturbation_gain =
      (MemberMean(perturbation->value) / MemberMean(perturbation->start_value)).cpu();
  stats.boundary_share = perturbation->boundary_share.cpu().clone();
}

}  // namespace

float MinimumLogStd(const TrpoOptions& options) {
  const double exact = std::log(options.minimum_sigma);
  const float nearest = static_cast<float>(exact);
  return nearest < exact ? std::nextafter(nearest, std::numeric_limits<float>::max()) : nearest;
}

TrpoUpdate::TrpoUpdate(const TrpoOptions& options,
                       const std::optional<SmoothnessOptions>& smoothness,
                       const UpdateSize& size, const MlpPlacement& placement)
    : options_(options),
      smoothness_(smoothness),
      device_(placement.device),
      mlp_(options.policy, size.members, placement),
      distance_(mlp_, size.rows),
      baseline_(MakeBaseline(options, size, placement)),
      gradient_(torch::empty({size.members, mlp_.num_parameters() +
                                                (options.shared_sigma ? 1 : options.policy.outputs)},
                             torch::TensorOptions(device_).dtype(torch::kFloat32))),
      moved_gradient_(torch::empty({size.members, mlp_.num_parameters()}, gradient_.options())),
      fisher_outputs_(torch::empty_like(distance_.difference())),
      conjugate_gradient_(gradient_) {
  if (smoothness.has_value()) {
    perturbation_.emplace(
        *smoothness, PerturbationSize{size.members, size.rows, options.policy.inputs}, device_);
  }
}

TrpoStats TrpoUpdate::Update(const RoundBatch& batch, const std::vector<MemberOptions>& members,
                             uint64_t update, TrpoState& state) {
  TrpoStats stats;
  PhaseClock clock(device_);
  FiniteChecks checks = CheckInputs(batch);
  const std::vector<uint64_t> seeds = Seeds(members);
  const torch::Tensor observations = Rows(batch.observations);

  const Advantages advantages = EstimateAdvantages(batch, state.baseline);  // step 2
  clock.EndPhase(stats.seconds.advantages);
  mlp_.Forward(Network(state.policy), observations, distance_.origin());
  const auto perturbation = Perturb(members, update, state.policy);  // step 3
  const torch::Tensor delta = perturbation.has_value() ? perturbation->delta : torch::Tensor();
  clock.EndPhase(stats.seconds.perturbation);
  const SurrogateTerms terms =
      MakeTerms(batch, members, advantages.standardized, state.policy);  // step 4
  const torch::Tensor gradient = LossGradient(state.policy, terms);
  LineSearchStart start = {.parameters = state.policy,
                           .step = {},
                           .loss = SmoothSurrogate(Outputs(state.policy), terms)};
  clock.EndPhase(stats.seconds.gradient);
  start.step = NaturalStep(state.policy, gradient);
  clock.EndPhase(stats.seconds.conjugate_gradient);
  const LineSearchResult step = Backtrack(start, terms, observations, delta);
  clock.EndPhase(stats.seconds.line_search);
  const BaselineInputs inputs = {observations, Rows(batch.episode_step)};
  baseline_->Fit(inputs, advantages.value_targets, {seeds, update}, state.baseline);  // step 5
  const torch::Tensor values = baseline_->Predict(state.baseline, inputs);
  clock.EndPhase(stats.seconds.value_fit);

  checks.Add("advantages", advantages.standardized);
  checks.Add("losses", start.loss.loss.unsqueeze(1));
  checks.Add("gradients", gradient);
  checks.Add("search directions", start.step);
  checks.Add("policy parameters", step.parameters);
  // With room for noise: an actor's samples must be finite as well.
  checks.Add("standard deviations", (LogStd(step.parameters) + kLogStdRoom).exp().flatten(1));
  AddBaseline(state.baseline, checks);
  checks.Add("baseline values", values);
  state.policy.copy_(step.parameters);
  RecordStep(start, step, stats);
  RecordPerturbation(perturbation, stats);
  stats.sigma = MemberMean(LogStd(state.policy).exp()).cpu();
  stats.value_loss = MemberMean((values - advantages.value_targets).square());
  stats.explained_variance = ExplainedVariance(advantages.values, advantages.value_targets);
  stats.gradient_norm = MemberDot(gradient, gradient).sqrt().cpu();
  stats.failure = checks.Failures();
  return stats;
}

TrpoUpdate::Advantages TrpoUpdate::EstimateAdvantages(const RoundBatch& batch,
                                                      const BaselineState& baseline) {
  const torch::Tensor episode_step = Rows(batch.episode_step);
  const torch::Tensor values =
      baseline_->Predict(baseline, {Rows(batch.observations), episode_step});
  const torch::Tensor next_values =
      baseline_->Predict(baseline, {Rows(batch.next_observations), episode_step + 1});
  const ValuedSteps steps = {.rewards = batch.rewards,
                             .values = values.view(batch.rewards.sizes()),
                             .next_values = next_values.view(batch.rewards.sizes()),
                             .terminated = batch.terminated,
                             .truncated = batch.truncated};
  const AdvantageEstimate estimate =
      GeneralizedAdvantages(steps, options_.discount, options_.gae_lambda);
  const double target_lambda = baseline_->TargetLambda();
  const torch::Tensor targets =
      target_lambda == options_.gae_lambda
          ? estimate.value_targets
          : GeneralizedAdvantages(steps, options_.discount, target_lambda).value_targets;
  return {.standardized = Standardize(Rows(estimate.advantages))
                              .to(batch.rewards.options()),
          .values = values,
          .value_targets = Rows(targets)};
}

std::optional<PerturbationResult> TrpoUpdate::Perturb(const std::vector<MemberOptions>& members,
                                                      uint64_t update,
                                                      const torch::Tensor& policy) {
  if (!perturbation_.has_value()) return std::nullopt;
  const SmoothnessObjective jeffreys =
      distance_.Objective(Network(policy), InverseVariance(LogStd(policy)));
  return perturbation_->Maximize(jeffreys, Balls(members), update);
}

SurrogateTerms TrpoUpdate::MakeTerms(const RoundBatch& batch,
                                     const std::vector<MemberOptions>& members,
                                     const torch::Tensor& advantages,
                                     const torch::Tensor& policy) const {
  SurrogateTerms terms;
  terms.actions = Rows(batch.actions);
  terms.advantages = advantages;
  terms.old_policy = {.mean = distance_.origin().outputs().clone(),
                      .log_std = LogStd(policy).clone()};
  terms.old_log_prob =
      LogProb(terms.actions, terms.old_policy.mean, terms.old_policy.log_std);
  if (!smoothness_.has_value()) return terms;
  terms.coefficient = Coefficients(members, device_);
  terms.detach_sigma = smoothness_->detach_sigma;
  if (smoothness_->discount_weighting) {
    terms.weight = DiscountWeights(Rows(batch.episode_step), options_.discount);
  }
  return terms;
}

torch::Tensor TrpoUpdate::LossGradient(const torch::Tensor& policy,
                                       const SurrogateTerms& terms) {
  const SurrogateCotangents cotangents = SurrogateGradient(Outputs(policy), terms);
  const torch::Tensor network = Network(gradient_);
  mlp_.ParameterVjp(Network(policy), distance_.origin(), cotangents.mean, network);
  if (cotangents.moved_mean.defined()) {
    mlp_.ParameterVjp(Network(policy), distance_.moved(), cotangents.moved_mean,
                      moved_gradient_);
    network.add_(moved_gradient_);
  }
  const int64_t sigmas = gradient_.size(1) - mlp_.num_parameters();
  gradient_.narrow(1, mlp_.num_parameters(), sigmas)
      .copy_(options_.shared_sigma ? cotangents.log_std.sum(1, true) : cotangents.log_std);
  return gradient_;
}

torch::Tensor TrpoUpdate::NaturalStep(const torch::Tensor& policy,
                                      const torch::Tensor& gradient) {
  const FisherPoint at = {.parameters = Network(policy),
                          .point = distance_.origin(),
                          .log_std = LogStd(policy),
                          .shared_sigma = options_.shared_sigma,
                          .damping = options_.damping};
  const CgSolution solution = conjugate_gradient_.Solve(
      [&](const torch::Tensor& v, torch::Tensor& product) {
        FisherVectorProduct(mlp_, at, v, fisher_outputs_, product);
      },
      gradient, options_.cg_iterations);
  // Half of x'Fx is the KL of the step x to second order. No gradient, no step.
  const torch::Tensor length = (2 * options_.max_kl / solution.x_matrix_x).sqrt();
  const torch::Tensor scale =
      torch::where(solution.x_matrix_x == 0, torch::zeros_like(length), length);
  return solution.x * PerMember(scale, solution.x);
}

LineSearchResult TrpoUpdate::Backtrack(const LineSearchStart& start, const SurrogateTerms& terms,
                                       const torch::Tensor& observations,
                                       const torch::Tensor& delta) {
  const int64_t network = mlp_.num_parameters();
  const float floor = MinimumLogStd(options_);
  const auto loss_at = [&](torch::Tensor& candidate) {
    candidate.narrow(1, network, candidate.size(1) - network).clamp_min_(floor);
    mlp_.Forward(Network(candidate), observations, distance_.origin());
    if (delta.defined()) distance_.MoveTo(Network(candidate), delta);
    return SmoothSurrogate(Outputs(candidate), terms);
  };
  return BacktrackingLineSearch({.max_kl = options_.max_kl,
                                 .backtracks = options_.backtracks,
                                 .backtrack_ratio = options_.backtrack_ratio},
                                start, loss_at);
}

torch::Tensor TrpoUpdate::Network(const torch::Tensor& policy) const {
  return policy.narrow(1, 0, mlp_.num_parameters());
}

torch::Tensor TrpoUpdate::LogStd(const torch::Tensor& policy) const {
  const int64_t network = mlp_.num_parameters();
  return policy.narrow(1, network, policy.size(1) - network)
      .expand({policy.size(0), options_.policy.outputs})
      .unsqueeze(1);
}

PolicyOutputs TrpoUpdate::Outputs(const torch::Tensor& policy) const {
  return {.policy = {.mean = distance_.origin().outputs(), .log_std = LogStd(policy)},
          .difference = perturbation_.has_value() ? distance_.difference() : torch::Tensor()};
}

}  // namespace sr2l
