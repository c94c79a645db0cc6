#include "learner/algorithms/ddpg_terms.h"

#include <algorithm>

#include "learner/nn/floats_on_cpu.h"

namespace sr2l {

void CopyRows(const torch::Tensor& from, int64_t first_row, torch::Tensor& to) {
  if (!FloatsOnCpu(to)) {
    to.copy_(from.narrow(1, first_row, to.size(1)));
    return;
  }
  const int64_t count = to.numel() / to.size(0);
  const int64_t width = count / to.size(1);
  for (int64_t m = 0; m < to.size(0); ++m) {
    std::copy_n(from.data_ptr<float>() + m * from.stride(0) + first_row * width, count,
                to.data_ptr<float>() + m * count);
  }
}

void JoinStateAction(const torch::Tensor& observations, const torch::Tensor& actions,
                     torch::Tensor& inputs) {
  const int64_t state_width = observations.size(2);
  const int64_t action_width = actions.size(2);
  if (!FloatsOnCpu(inputs)) {
    inputs.narrow(2, 0, state_width).copy_(observations);
    inputs.narrow(2, state_width, action_width).copy_(actions);
    return;
  }
  const float* s = observations.data_ptr<float>();
  const float* a = actions.data_ptr<float>();
  float* to = inputs.data_ptr<float>();
  for (int64_t row = 0; row < inputs.size(0) * inputs.size(1); ++row) {
    to = std::copy_n(s + row * state_width, state_width, to);
    to = std::copy_n(a + row * action_width, action_width, to);
  }
}

void BellmanTargets(const BellmanTerms& terms, torch::Tensor& targets) {
  if (!FloatsOnCpu(targets)) {
    targets.copy_(terms.rewards + terms.discount * (1 - terms.ended) * terms.next_q.squeeze(2));
    return;
  }
  const float discount = static_cast<float>(terms.discount);
  const float* reward = terms.rewards.data_ptr<float>();
  const float* ended = terms.ended.data_ptr<float>();
  const float* next_q = terms.next_q.data_ptr<float>();
  float* y = targets.data_ptr<float>();
  for (int64_t i = 0; i < targets.numel(); ++i) {
    y[i] = reward[i] + discount * (1 - ended[i]) * next_q[i];
  }
}

void BellmanErrorGradient(const torch::Tensor& q, const torch::Tensor& targets,
                          torch::Tensor& gradient) {
  const double scale = 2.0 / static_cast<double>(q.size(1));
  if (!FloatsOnCpu(q)) {
    gradient.copy_(scale * (q - targets.unsqueeze(2)));
    return;
  }
  const float* value = q.data_ptr<float>();
  const float* y = targets.data_ptr<float>();
  float* to = gradient.data_ptr<float>();
  for (int64_t i = 0; i < q.numel(); ++i) to[i] = static_cast<float>(scale) * (value[i] - y[i]);
}

void AddSmoothnessGradient(const torch::Tensor& coefficient, const torch::Tensor& difference,
                           torch::Tensor& moved, torch::Tensor& origin) {
  const double share = 2.0 / static_cast<double>(difference.size(1));
  if (!FloatsOnCpu(difference)) {
    // Where the coefficient is 0 nothing is added, not even an infinite difference.
    moved.copy_(torch::where(coefficient > 0, share * coefficient * difference,
                             torch::zeros_like(difference)));
    origin.sub_(moved);
    return;
  }
  const int64_t count = difference.numel() / difference.size(0);
  for (int64_t m = 0; m < difference.size(0); ++m) {
    const float lambda = coefficient.data_ptr<float>()[m];
    const float scale = static_cast<float>(share * lambda);
    const float* d = difference.data_ptr<float>() + m * count;
    float* at_moved = moved.data_ptr<float>() + m * count;
    float* at_origin = origin.data_ptr<float>() + m * count;
    for (int64_t i = 0; i < count; ++i) {
      at_moved[i] = lambda > 0 ? scale * d[i] : 0.0f;
      at_origin[i] -= at_moved[i];
    }
  }
}

}  // namespace sr2l
