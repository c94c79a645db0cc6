// One TRPO-SR update against a second implementation: float64, autograd for every
// derivative, plain loops, no part of the library but its random numbers.
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <functional>
#include <vector>

#include "common/random/philox.h"
#include "learner/algorithms/trpo.h"

namespace sr2l {
namespace {

using torch::Tensor;

constexpr int64_t kInputs = 11;
constexpr int64_t kActions = 3;
constexpr int64_t kStreams = 2;
constexpr int64_t kSteps = 150;
constexpr int64_t kStates = kStreams * kSteps;
constexpr uint64_t kSeed = 21;

// A network with two hidden layers of 32 tanh units; `flat` holds its parameters.
Tensor Network(const Tensor& flat, const Tensor& x, int64_t outputs) {
  const std::vector<int64_t> widths = {kInputs, 32, 32, outputs};
  Tensor h = x;
  int64_t offset = 0;
  for (int k = 0; k < 3; ++k) {
    const int64_t in = widths[k];
    const int64_t out = widths[k + 1];
    h = h.mm(flat.slice(0, offset, offset + in * out).view({in, out})) +
        flat.slice(0, offset + in * out, offset + (in + 1) * out);
    if (k < 2) h = h.tanh();
    offset += (in + 1) * out;
  }
  return h;
}

struct Expected {
  Tensor policy;  // network, log_std
  double kl, loss_before, loss_after, nonsmoothness, gain, surrogate;
  int backtracks;
};

class SlowTrpo {
 public:
  SlowTrpo(const TrpoOptions& options, const SmoothnessOptions& smoothness,
           const MemberOptions& member, const RoundBatch& batch)
      : options_(options), smoothness_(smoothness), member_(member) {
    const auto rows = [](const Tensor& x) { return x[0].flatten(0, 1).to(torch::kFloat64); };
    states_ = rows(batch.observations);
    next_states_ = rows(batch.next_observations);
    actions_ = rows(batch.actions);
    rewards_ = rows(batch.rewards);
    terminated_ = rows(batch.terminated);
    truncated_ = rows(batch.truncated);
    episode_step_ = rows(batch.episode_step);
  }

  Expected Update(const TrpoState& state, uint64_t update) {
    theta_old_ = state.policy[0].to(torch::kFloat64);
    network_size_ = theta_old_.size(0) - kActions;
    advantages_ = Advantages(state.baseline.parameters[0].to(torch::kFloat64));
    old_mean_ = Mean(theta_old_, states_);
    old_log_std_ = LogStd(theta_old_);
    old_log_prob_ = LogProb(theta_old_);
    Expected result;
    const double start = Perturb(update);
    result.nonsmoothness = Jeffreys(theta_old_, states_ + delta_).mean().item<double>();
    result.gain = result.nonsmoothness / start;
    result.loss_before = Loss(theta_old_).item<double>();
    const Tensor step = FullStep();
    Backtrack(step, result);
    return result;
  }

 private:
  Tensor Mean(const Tensor& theta, const Tensor& states) const {
    return Network(theta.slice(0, 0, network_size_), states, kActions);
  }
  Tensor LogStd(const Tensor& theta) const { return theta.slice(0, network_size_); }

  Tensor LogProb(const Tensor& theta) const {
    const Tensor z = (actions_ - Mean(theta, states_)) / LogStd(theta).exp();
    return (-0.5 * z * z - LogStd(theta) - 0.5 * std::log(2 * M_PI)).sum(1);
  }

  Tensor Advantages(const Tensor& value) const {
    const Tensor v = Network(value, states_, 1).squeeze(1);
    const Tensor next = Network(value, next_states_, 1).squeeze(1);
    Tensor advantages = torch::zeros_like(v);
    for (int64_t first = 0; first < kStates; first += kSteps) {
      double carry = 0;
      for (int64_t i = first + kSteps - 1; i >= first; --i) {
        const bool terminated = terminated_[i].item<double>() != 0;
        const bool ends = terminated || truncated_[i].item<double>() != 0;
        const double bootstrap = terminated ? 0 : options_.discount * next[i].item<double>();
        const double delta = rewards_[i].item<double>() + bootstrap - v[i].item<double>();
        carry = delta + (ends ? 0 : options_.discount * options_.gae_lambda * carry);
        advantages[i] = carry;
      }
    }
    return (advantages - advantages.mean()) / advantages.std(false);
  }

  // D_J per state for the sigma that the regularizer uses.
  Tensor Jeffreys(const Tensor& theta, const Tensor& moved) const {
    const Tensor sigma = smoothness_.detach_sigma ? old_log_std_.exp() : LogStd(theta).exp();
    const Tensor difference = Mean(theta, states_) - Mean(theta, moved);
    return (difference * difference / (2 * sigma * sigma)).sum(1);
  }

  // Sign steps in the cube; returns the mean divergence at the random start.
  double Perturb(uint64_t update) {
    const Philox random(member_.seed, Purpose::kPerturbation);
    delta_ = torch::empty_like(states_);
    for (int64_t i = 0; i < delta_.numel(); ++i) {
      const double u = random.Uniform(update, static_cast<uint32_t>(i));
      delta_.view({-1})[i] = member_.radius * (2 * u - 1);
    }
    const double start = Jeffreys(theta_old_, states_ + delta_).mean().item<double>();
    for (int step = 0; step < smoothness_.steps; ++step) {
      const Tensor at = delta_.clone().requires_grad_();
      const Tensor gradient =
          torch::autograd::grad({Jeffreys(theta_old_, states_ + at).sum()}, {at})[0];
      delta_ = (delta_ + smoothness_.step_size * member_.radius * gradient.sign())
                   .clamp(-member_.radius, member_.radius);
    }
    return start;
  }

  Tensor Surrogate(const Tensor& theta) const {
    return ((LogProb(theta) - old_log_prob_).exp() * advantages_).mean();
  }

  Tensor Loss(const Tensor& theta) const {
    Tensor jeffreys = Jeffreys(theta, states_ + delta_);
    if (smoothness_.discount_weighting) {
      jeffreys = jeffreys * torch::pow(options_.discount, episode_step_);
    }
    return -Surrogate(theta) + member_.coefficient * jeffreys.mean();
  }

  Tensor Kl(const Tensor& theta) const {
    const Tensor log_std = LogStd(theta);
    const Tensor squares = (2 * old_log_std_).exp() + (old_mean_ - Mean(theta, states_)).pow(2);
    return (log_std - old_log_std_ + squares / (2 * (2 * log_std).exp()) - 0.5).sum(1).mean();
  }

  Tensor FisherProduct(const Tensor& v) const {
    const Tensor theta = theta_old_.clone().requires_grad_();
    const Tensor first = torch::autograd::grad({Kl(theta)}, {theta}, {}, true, true)[0];
    return torch::autograd::grad({(first * v).sum()}, {theta})[0] + options_.damping * v;
  }

  Tensor FullStep() const {
    const Tensor theta = theta_old_.clone().requires_grad_();
    const Tensor b = torch::autograd::grad({Loss(theta)}, {theta})[0];
    Tensor x = torch::zeros_like(b);
    Tensor r = b.clone();
    Tensor p = b.clone();
    for (int i = 0; i < options_.cg_iterations; ++i) {
      const Tensor product = FisherProduct(p);
      const Tensor alpha = r.dot(r) / p.dot(product);
      x = x + alpha * p;
      const Tensor next = r - alpha * product;
      p = next + next.dot(next) / r.dot(r) * p;
      r = next;
    }
    return x * (2 * options_.max_kl / x.dot(FisherProduct(x))).sqrt();
  }

  void Backtrack(const Tensor& step, Expected& result) const {
    for (int j = 0; j < options_.backtracks; ++j) {
      const Tensor theta = theta_old_ - std::pow(options_.backtrack_ratio, j) * step;
      result.loss_after = Loss(theta).item<double>();
      result.kl = Kl(theta).item<double>();
      if (result.loss_after < result.loss_before && result.kl <= options_.max_kl) {
        result.policy = theta;
        result.surrogate = Surrogate(theta).item<double>();
        result.backtracks = j;
        return;
      }
    }
    result.policy = theta_old_;
    result.backtracks = -1;
  }

  const TrpoOptions options_;
  const SmoothnessOptions smoothness_;
  const MemberOptions member_;
  Tensor states_, next_states_, actions_, rewards_, terminated_, truncated_, episode_step_;
  Tensor theta_old_, old_mean_, old_log_std_, old_log_prob_, advantages_, delta_;
  int64_t network_size_ = 0;
};

RoundBatch RandomRound(uint64_t round) {
  torch::manual_seed(round);
  const std::vector<int64_t> shape = {1, kStreams, kSteps};
  RoundBatch batch;
  batch.observations = torch::randn({1, kStreams, kSteps, kInputs});
  batch.next_observations = torch::randn_like(batch.observations);
  batch.actions = torch::randn({1, kStreams, kSteps, kActions});
  batch.rewards = (batch.actions * batch.observations.slice(3, 0, kActions)).sum(3);
  batch.terminated = (torch::rand(shape) < 0.03).to(torch::kFloat32);
  batch.truncated = (torch::rand(shape) < 0.02).to(torch::kFloat32) * (1 - batch.terminated);
  batch.episode_step = torch::randint(0, 100, shape).to(torch::kFloat32);
  return batch;
}

struct Case {
  const char* name;
  SmoothnessOptions smoothness;
  double radius, coefficient;
};

class ParityTest : public testing::TestWithParam<Case> {};

TEST_P(ParityTest, UpdatesEqualTheSlowImplementation) {
  TrpoOptions options;
  options.policy = {.inputs = kInputs, .hidden = {32, 32}, .outputs = kActions};
  options.baseline = ValueNetworkOptions{.hidden = {32, 32}, .epochs = 2};
  options.damping = 0.01;
  const Case& c = GetParam();
  const MemberOptions member = {kSeed, c.radius, c.coefficient};
  Trpo trpo(options, c.smoothness, {member}, torch::kCPU);
  for (uint64_t round = 0; round < 4; ++round) {
    const RoundBatch batch = RandomRound(round);
    SlowTrpo slow(options, c.smoothness, member, batch);
    const TrpoState before = trpo.state();
    const Expected expected = slow.Update(before, trpo.updates());
    const TrpoStats stats = trpo.Update(batch);
    ASSERT_EQ(stats.failure[0], "");
    ASSERT_GE(expected.backtracks, 0);
    EXPECT_EQ(stats.backtracks[0].item<int>(), expected.backtracks);
    // What float32 leaves, about ten times what was measured.
    EXPECT_NEAR(stats.kl[0].item<double>(), expected.kl, 2e-6);
    EXPECT_NEAR(stats.loss_before[0].item<double>(), expected.loss_before, 2e-6);
    EXPECT_NEAR(stats.loss_after[0].item<double>(), expected.loss_after, 5e-6);
    EXPECT_NEAR(stats.surrogate[0].item<double>(), expected.surrogate, 5e-6);
    EXPECT_NEAR(stats.nonsmoothness[0].item<double>() / expected.nonsmoothness, 1, 1e-4);
    EXPECT_NEAR(stats.perturbation_gain[0].item<double>() / expected.gain, 1, 1e-4);
    const Tensor step = expected.policy - before.policy[0].to(torch::kFloat64);
    const Tensor error = trpo.state().policy[0].to(torch::kFloat64) - expected.policy;
    EXPECT_LT((error.norm() / step.norm()).item<double>(), 1e-3);
  }
}

std::string Name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Settings, ParityTest,
    testing::Values(Case{"Default", {}, 0.01, 1}, Case{"Strong", {}, 0.1, 10},
                    Case{"Tiny", {}, 1e-5, 1e6},
                    Case{"LiteralSigma", {.detach_sigma = false}, 0.1, 10},
                    Case{"Discounted", {.discount_weighting = true}, 0.1, 10},
                    Case{"Plain", {}, 0.01, 0}),
    Name);

}  // namespace
}  // namespace sr2l
