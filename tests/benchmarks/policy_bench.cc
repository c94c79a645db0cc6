// The time to act: a policy of HalfCheetah's size, by number of observations at once, also as
// a multiple of the time that its multiply-adds take at the rate of Eigen's products.
#include <benchmark/benchmark.h>

#include <Eigen/Core>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "common/policy/mlp.h"

namespace sr2l {
namespace {

Mlp HalfCheetahPolicy() {
  v1::NetworkShape shape;
  shape.set_inputs(17);
  shape.add_hidden(64);
  shape.add_hidden(64);
  shape.set_outputs(6);
  shape.set_activation(v1::TANH);
  shape.set_output_activation(v1::LINEAR);
  std::vector<float> parameters(Mlp::NumParameters(shape));
  for (size_t i = 0; i < parameters.size(); ++i) parameters[i] = 0.1f * std::sin(1.0f + i);
  return Mlp::Create(shape, {reinterpret_cast<const char*>(parameters.data()),
                             parameters.size() * sizeof(float)})
      .value();
}

// FLOP/s of Eigen's product of a 64 x 64 matrix and a vector, the best of many.
double ProductPeak() {
  constexpr int kSize = 64;
  constexpr int kRepeats = 1000;
  const Eigen::MatrixXf matrix = Eigen::MatrixXf::Constant(kSize, kSize, 0.5f);
  const Eigen::VectorXf vector = Eigen::VectorXf::Constant(kSize, 0.25f);
  Eigen::VectorXf product(kSize);
  double best = 0;
  for (int trial = 0; trial < 100; ++trial) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kRepeats; ++i) {
      product.noalias() = matrix * vector;
      benchmark::ClobberMemory();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best = std::max(best, kRepeats * 2.0 * kSize * kSize / seconds.count());
  }
  return best;
}

void BM_Forward(benchmark::State& state) {
  const Mlp mlp = HalfCheetahPolicy();
  const int batch = static_cast<int>(state.range(0));
  std::vector<float> inputs(batch * mlp.inputs(), 0.3f);
  std::vector<float> outputs(batch * mlp.outputs());
  for (auto _ : state) {
    mlp.Forward(inputs.data(), batch, outputs.data());
    benchmark::DoNotOptimize(outputs.data());
    benchmark::ClobberMemory();
  }
  const double arithmetic = 2.0 * batch * (17 * 64 + 64 * 64 + 64 * 6) / ProductPeak();
  state.counters["times_arithmetic"] =
      benchmark::Counter(arithmetic * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Forward)->Arg(1)->Arg(8)->Arg(64);

void BM_InputGradient(benchmark::State& state) {
  const Mlp mlp = HalfCheetahPolicy();
  const int batch = static_cast<int>(state.range(0));
  std::vector<float> inputs(batch * mlp.inputs(), 0.3f);
  std::vector<float> cotangents(batch * mlp.outputs(), 1.0f);
  std::vector<float> gradient(batch * mlp.inputs());
  for (auto _ : state) {
    mlp.InputGradient(inputs.data(), cotangents.data(), batch, gradient.data());
    benchmark::DoNotOptimize(gradient.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_InputGradient)->Arg(1)->Arg(8);

}  // namespace
}  // namespace sr2l

BENCHMARK_MAIN();
