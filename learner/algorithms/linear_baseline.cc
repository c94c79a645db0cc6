#include "learner/algorithms/linear_baseline.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace sr2l {
namespace {

// [M, B, F] float64 on the CPU, contiguous.
torch::Tensor Features(const BaselineInputs& inputs) {
  const torch::Tensor o =
      inputs.observations.to(torch::kCPU, torch::kFloat64).clamp(-10.0, 10.0);
  const torch::Tensor t =
      (inputs.episode_step.to(torch::kCPU, torch::kFloat64) / 100.0).unsqueeze(2);
  return torch::cat({o, o.square(), t, t.square(), t.square() * t, torch::ones_like(t)}, 2)
      .contiguous();
}

struct NormalEquations {
  int64_t size = 0;           // F
  std::vector<double> matrix;  // X'X, [F, F], lower triangle
  std::vector<double> right;   // X'y, [F]
};

// One member: features [B, F], targets [B].
NormalEquations Accumulate(const double* features, const double* targets, int64_t rows,
                           int64_t size) {
  NormalEquations equations = {size, std::vector<double>(size * size),
                               std::vector<double>(size)};
  for (int64_t row = 0; row < rows; ++row) {
    const double* x = features + row * size;
    for (int64_t i = 0; i < size; ++i) {
      double* to = equations.matrix.data() + i * size;
      const double xi = x[i];
      for (int64_t j = 0; j <= i; ++j) to[j] += xi * x[j];
      equations.right[i] += xi * targets[row];
    }
  }
  return equations;
}

// Solves (X'X + ridge I) w = X'y by Cholesky's factorization, in place of the copy.
std::vector<double> SolveRidge(NormalEquations equations, double ridge) {
  const int64_t size = equations.size;
  const auto at = [&](int64_t i, int64_t j) -> double& { return equations.matrix[i * size + j]; };
  std::vector<double>& w = equations.right;
  for (int64_t i = 0; i < size; ++i) {
    at(i, i) += ridge;
    for (int64_t j = 0; j <= i; ++j) {
      double sum = at(i, j);
      for (int64_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      at(i, j) = i == j ? std::sqrt(sum) : sum / at(j, j);
    }
    for (int64_t k = 0; k < i; ++k) w[i] -= at(i, k) * w[k];
    w[i] /= at(i, i);
  }
  for (int64_t i = size - 1; i >= 0; --i) {
    for (int64_t k = i + 1; k < size; ++k) w[i] -= at(k, i) * w[k];
    w[i] /= at(i, i);
  }
  return w;
}

bool IsFinite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

}  // namespace

void LinearBaseline::Check(const LinearBaselineOptions& options) {
  if (!(options.ridge > 0) || !std::isfinite(options.ridge)) {
    throw std::invalid_argument("linear_baseline.ridge must be positive and finite, got " +
                                std::to_string(options.ridge));
  }
}

BaselineState LinearBaseline::InitialState(int64_t inputs, int64_t members) {
  return {.parameters = torch::zeros({members, 2 * inputs + 4}, torch::kFloat64), .adam = {}};
}

torch::Tensor LinearBaseline::Predict(const BaselineState& state, const BaselineInputs& inputs) {
  // A product and a sum, member by member and in one order, so that bits depend on neither
  // neighbours nor a matrix library.
  const torch::Tensor features = Features(inputs);
  const int64_t size = features.size(2);
  torch::Tensor values = torch::empty({features.size(0), features.size(1)}, torch::kFloat64);
  const double* x = features.data_ptr<double>();
  for (int64_t m = 0; m < features.size(0); ++m) {
    const double* w = state.parameters.data_ptr<double>() + m * state.parameters.stride(0);
    for (int64_t row = 0; row < features.size(1); ++row, x += size) {
      double sum = 0;
      for (int64_t i = 0; i < size; ++i) sum += x[i] * w[i];
      values.data_ptr<double>()[m * values.stride(0) + row] = sum;
    }
  }
  return values;
}

void LinearBaseline::Fit(const BaselineInputs& inputs, const torch::Tensor& targets,
                         const FitIndex&, BaselineState& state) {
  const torch::Tensor features = Features(inputs);
  const torch::Tensor wanted = targets.contiguous();
  const int64_t rows = features.size(1);
  const int64_t size = features.size(2);
  for (int64_t m = 0; m < features.size(0); ++m) {
    const NormalEquations equations =
        Accumulate(features.data_ptr<double>() + m * rows * size,
                   wanted.data_ptr<double>() + m * rows, rows, size);
    double ridge = options_.ridge;
    std::vector<double> solution = SolveRidge(equations, ridge);
    for (int retry = 0; retry < 5 && !IsFinite(solution); ++retry) {
      ridge *= 10;
      solution = SolveRidge(equations, ridge);
    }
    std::copy(solution.begin(), solution.end(),
              state.parameters.data_ptr<double>() + m * state.parameters.stride(0));
  }
}

}  // namespace sr2l
