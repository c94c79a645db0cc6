#ifndef SR2L_TESTS_LEARNER_ALGORITHMS_DDPG_REFERENCE_H_
#define SR2L_TESTS_LEARNER_ALGORITHMS_DDPG_REFERENCE_H_

#include <torch/autograd.h>
#include <torch/nn.h>
#include <torch/types.h>

#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "common/random/philox.h"
#include "learner/algorithms/ddpg_options.h"
#include "learner/algorithms/ddpg_state.h"
#include "learner/algorithms/transition_block.h"

namespace sr2l {

// What the update of one member is compared with: float64, LibTorch's layers and autograd, and
// optimizers that are loops over scalars. Shares no code with the library but its options and
// random numbers.
class ReferenceDdpg {
 public:
  using Tensor = torch::Tensor;

  struct Figures {
    double critic_loss, q_mean, actor_objective;
    double nonsmoothness = 0, start_nonsmoothness = 0, boundary_share = 0, lipschitz = 0;
  };

  // `start` has one member in float64.
  ReferenceDdpg(const DdpgOptions& options, const std::optional<DdpgSmoothness>& smoothness,
                const MemberOptions& member, const DdpgState& start)
      : options_(options),
        smoothness_(smoothness),
        member_(member),
        actor_(start.actor[0].clone()),
        critic_(start.critic[0].clone()),
        target_actor_(start.target_actor[0].clone()),
        target_critic_(start.target_critic[0].clone()) {}

  // With the rows of update number `row` of the one member's block.
  Figures Update(const TransitionBlock& block, int64_t row) {
    const auto rows = [&](const Tensor& tensor) {
      return tensor[0].slice(0, row * options_.batch_size, (row + 1) * options_.batch_size);
    };
    const Tensor s = rows(block.observations);
    const Tensor a = rows(block.actions);
    const Tensor next = rows(block.next_observations);
    Tensor alive = 1 - rows(block.terminated);
    if (options_.terminate_at_truncation) alive = alive * (1 - rows(block.truncated));
    const Tensor y = rows(block.rewards) +
                     options_.discount * alive * Q(target_critic_, next, Mu(target_actor_, next));
    UpdateCritic(s, a, y);
    UpdateActor(s);
    ++updates_;
    for (int64_t i = 0; i < critic_.size(0); ++i) Track(critic_, target_critic_, i);
    for (int64_t i = 0; i < actor_.size(0); ++i) Track(actor_, target_actor_, i);
    return figures_;
  }

  const Tensor& actor() const { return actor_; }
  const Tensor& critic() const { return critic_; }
  const Tensor& target_actor() const { return target_actor_; }
  const Tensor& target_critic() const { return target_critic_; }
  // Of the last update.
  const Tensor& actor_gradient() const { return actor_gradient_; }
  const Tensor& critic_gradient() const { return critic_gradient_; }
  const Tensor& delta() const { return delta_; }

 private:
  struct Moments {
    std::vector<double> first, second;
  };

  static Tensor Network(const MlpShape& shape, const Tensor& parameters, Tensor x) {
    std::vector<int64_t> widths = shape.hidden;
    widths.push_back(shape.outputs);
    int64_t in = shape.inputs;
    int64_t at = 0;
    for (size_t k = 0; k < widths.size(); ++k) {
      const int64_t out = widths[k];
      x = torch::nn::functional::linear(x,
                                        parameters.slice(0, at, at + in * out).view({in, out}).t(),
                                        parameters.slice(0, at + in * out, at + (in + 1) * out));
      if (k + 1 < widths.size()) x = torch::relu(x);
      at += (in + 1) * out;
      in = out;
    }
    return x;
  }

  Tensor Mu(const Tensor& theta, const Tensor& s) const {
    return torch::tanh(Network(options_.actor, theta, s));
  }
  Tensor Q(const Tensor& phi, const Tensor& s, const Tensor& a) const {
    return Network(options_.critic, phi, torch::cat({s, a}, 1)).squeeze(1);
  }

  bool On(SmoothnessTarget target) const {
    return smoothness_.has_value() && smoothness_->target == target;
  }

  // out(s) is [B, W] or [B].
  static Tensor Distance(const std::function<Tensor(const Tensor&)>& out, const Tensor& s,
                         const Tensor& delta) {
    return (out(s) - out(s + delta)).square().view({s.size(0), -1}).sum(1);
  }

  void Perturb(const std::function<Tensor(const Tensor&)>& out, const Tensor& s) {
    const Philox random(member_.seed, Purpose::kPerturbation);
    delta_ = torch::empty_like(s);
    for (int64_t i = 0; i < s.numel(); ++i) {
      const double u = random.Uniform(updates_, static_cast<uint32_t>(i));
      delta_.view({-1})[i] = static_cast<float>(member_.radius * (2 * u - 1));
    }
    figures_.start_nonsmoothness = Distance(out, s, delta_).mean().item<double>();
    for (int step = 0; step < smoothness_->options.steps; ++step) {
      const Tensor at = delta_.clone().requires_grad_();
      const Tensor g = torch::autograd::grad({Distance(out, s, at).sum()}, {at})[0];
      delta_ = (delta_ + smoothness_->options.step_size * member_.radius * g.sign())
                   .clamp(-member_.radius, member_.radius);
    }
    figures_.nonsmoothness = Distance(out, s, delta_).mean().item<double>();
    figures_.lipschitz =
        (Distance(out, s, delta_).sqrt() / delta_.norm(2, 1)).mean().item<double>();
    figures_.boundary_share =
        (delta_.abs() == member_.radius).to(torch::kFloat64).mean().item<double>();
  }

  void UpdateCritic(const Tensor& s, const Tensor& a, const Tensor& y) {
    const Tensor phi = critic_.clone().requires_grad_();
    const Tensor q = Q(phi, s, a);
    Tensor loss = (y - q).square().mean();
    figures_.critic_loss = loss.item<double>();
    figures_.q_mean = q.mean().item<double>();
    if (On(SmoothnessTarget::kCritic)) {
      Perturb([&](const Tensor& x) { return Q(critic_, x, a); }, s);
      const auto out = [&](const Tensor& x) { return Q(phi, x, a); };
      loss = loss + member_.coefficient * Distance(out, s, delta_).mean();
    }
    critic_gradient_ = torch::autograd::grad({loss}, {phi})[0];
    Adam(options_.critic_learning_rate, critic_gradient_, critic_moments_, critic_);
  }

  void UpdateActor(const Tensor& s) {
    const Tensor theta = actor_.clone().requires_grad_();
    const Tensor objective = Q(critic_, s, Mu(theta, s)).mean();
    figures_.actor_objective = objective.item<double>();
    Tensor loss = -objective;
    if (On(SmoothnessTarget::kPolicy)) {
      Perturb([&](const Tensor& x) { return Mu(actor_, x); }, s);
      const auto out = [&](const Tensor& x) { return Mu(theta, x); };
      loss = loss + member_.coefficient * Distance(out, s, delta_).mean();
    }
    actor_gradient_ = torch::autograd::grad({loss}, {theta})[0];
    Adam(options_.actor_learning_rate, actor_gradient_, actor_moments_, actor_);
  }

  void Adam(double rate, const Tensor& gradient, Moments& moments, Tensor& parameters) const {
    const double t = static_cast<double>(updates_ + 1);
    moments.first.resize(parameters.size(0), 0.0);
    moments.second.resize(parameters.size(0), 0.0);
    for (int64_t i = 0; i < parameters.size(0); ++i) {
      const double g = gradient.data_ptr<double>()[i];
      double& first = moments.first[i];
      double& second = moments.second[i];
      first = 0.9 * first + 0.1 * g;
      second = 0.999 * second + 0.001 * g * g;
      parameters.data_ptr<double>()[i] -= rate * (first / (1 - std::pow(0.9, t))) /
                                          (std::sqrt(second / (1 - std::pow(0.999, t))) + 1e-8);
    }
  }

  void Track(const Tensor& online, Tensor& target, int64_t i) const {
    const double tau = options_.target_update_rate;
    double& slow = target.data_ptr<double>()[i];
    slow = tau * online.data_ptr<double>()[i] + (1 - tau) * slow;
  }

  const DdpgOptions options_;
  const std::optional<DdpgSmoothness> smoothness_;
  const MemberOptions member_;
  Tensor actor_, critic_, target_actor_, target_critic_;
  Tensor actor_gradient_, critic_gradient_, delta_;
  Moments actor_moments_, critic_moments_;
  Figures figures_ = {};
  uint64_t updates_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_LEARNER_ALGORITHMS_DDPG_REFERENCE_H_
