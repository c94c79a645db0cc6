// The time to act: a policy of HalfCheetah's size, by number of observations at once.
#include <benchmark/benchmark.h>

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
