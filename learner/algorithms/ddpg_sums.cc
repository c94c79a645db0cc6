#include "learner/algorithms/ddpg_sums.h"

#include <cmath>
#include <limits>

#include "learner/nn/floats_on_cpu.h"
#include "learner/nn/member_reduce.h"

namespace sr2l {
namespace {

double SumOfSquares(const float* x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

// Mean over the rows of |difference row|_2 / |delta row|_2; 0 where the row did not move.
double MeanRatio(const torch::Tensor& difference, const torch::Tensor& delta, int64_t m) {
  const int64_t rows = delta.size(1);
  const int64_t inputs = delta.size(2);
  const int64_t outputs = difference.size(2);
  const float* in = delta.data_ptr<float>() + m * rows * inputs;
  const float* out = difference.data_ptr<float>() + m * rows * outputs;
  double sum = 0;
  for (int64_t b = 0; b < rows; ++b) {
    const double moved = SumOfSquares(in + b * inputs, inputs);
    if (moved != 0) sum += std::sqrt(SumOfSquares(out + b * outputs, outputs) / moved);
  }
  return sum / static_cast<double>(rows);
}

}  // namespace

DdpgSums::DdpgSums(int64_t members, torch::Device device)
    : sums_(
          torch::zeros({members, kColumns}, torch::TensorOptions(device).dtype(torch::kFloat64))) {}

void DdpgSums::Clear() { sums_.zero_(); }

double& DdpgSums::At(int64_t member, Column column) {
  return sums_.data_ptr<double>()[member * kColumns + column];
}

void DdpgSums::AddMean(Column column, const torch::Tensor& values) {
  if (!FloatsOnCpu(values)) {
    sums_.select(1, column).add_(MemberMean(values));
    return;
  }
  const int64_t count = values.numel() / values.size(0);
  for (int64_t m = 0; m < values.size(0); ++m) {
    const float* x = values.data_ptr<float>() + m * count;
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += x[i];
    At(m, column) += sum / static_cast<double>(count);
  }
}

void DdpgSums::AddCritic(const torch::Tensor& q, const torch::Tensor& targets) {
  AddMean(kQ, q);
  if (!FloatsOnCpu(q)) {
    AddMean(kCriticLoss, (q.squeeze(2) - targets).to(torch::kFloat64).square());
    return;
  }
  const int64_t rows = q.size(1);
  for (int64_t m = 0; m < q.size(0); ++m) {
    const float* value = q.data_ptr<float>() + m * rows;
    const float* y = targets.data_ptr<float>() + m * rows;
    double sum = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const double error = static_cast<double>(y[i]) - value[i];
      sum += error * error;
    }
    At(m, kCriticLoss) += sum / static_cast<double>(rows);
  }
}

void DdpgSums::AddActor(const torch::Tensor& q) { AddMean(kActorObjective, q); }

void DdpgSums::AddPerturbation(const PerturbationResult& result, const torch::Tensor& difference) {
  AddMean(kStartNonsmoothness, result.start_value);
  AddMean(kNonsmoothness, result.value);
  if (!FloatsOnCpu(difference)) {
    sums_.select(1, kBoundaryShare).add_(result.boundary_share);
    const torch::Tensor moved = result.delta.norm(2, {2}, false, torch::kFloat64);
    const torch::Tensor ratio = difference.norm(2, {2}, false, torch::kFloat64) / moved;
    AddMean(kLipschitz, torch::where(moved != 0, ratio, torch::zeros_like(ratio)));
    return;
  }
  for (int64_t m = 0; m < difference.size(0); ++m) {
    At(m, kBoundaryShare) += result.boundary_share.data_ptr<double>()[m];
    At(m, kLipschitz) += MeanRatio(difference, result.delta, m);
  }
}

DdpgStats DdpgSums::Means(int64_t updates, bool perturbed) const {
  const torch::Tensor sums = sums_.cpu();
  const int64_t members = sums.size(0);
  const double* sum = sums.data_ptr<double>();
  const auto fill = [&](bool known, const auto& figure) {
    torch::Tensor result = torch::empty({members}, torch::kFloat64);
    for (int64_t m = 0; m < members; ++m) {
      result.data_ptr<double>()[m] =
          known ? figure(sum + m * kColumns) : std::numeric_limits<double>::quiet_NaN();
    }
    return result;
  };
  const auto mean = [&](Column column, bool known) {
    return fill(known, [=](const double* s) { return s[column] / static_cast<double>(updates); });
  };
  DdpgStats stats;
  stats.critic_loss = mean(kCriticLoss, true);
  stats.q_mean = mean(kQ, true);
  stats.actor_objective = mean(kActorObjective, true);
  stats.nonsmoothness = mean(kNonsmoothness, perturbed);
  stats.perturbation_gain =
      fill(perturbed, [](const double* s) { return s[kNonsmoothness] / s[kStartNonsmoothness]; });
  stats.boundary_share = mean(kBoundaryShare, perturbed);
  stats.local_lipschitz = mean(kLipschitz, perturbed);
  return stats;
}

}  // namespace sr2l
