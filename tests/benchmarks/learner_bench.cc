// How long an update takes, phase by phase, beside the arithmetic peak of this machine.
//   OPENBLAS_NUM_THREADS=1 learner_bench
#include <benchmark/benchmark.h>
#include <torch/torch.h>
#ifdef SR2L_HAS_CBLAS
#include <cblas.h>
#endif

#include <vector>

#include "learner/algorithms/trpo.h"
#include "learner/nn/mlp.h"
#include "learner/nn/multiply.h"

namespace sr2l {
namespace {

constexpr int64_t kObservations = 17;
constexpr int64_t kActions = 6;

struct ProductSize {
  int64_t rows, columns, depth;
};

ProductSize Size(const benchmark::State& state) {
  return {state.range(0), state.range(1), state.range(2)};
}

void ReportFlops(const ProductSize& size, benchmark::State& state) {
  state.counters["FLOP/s"] = benchmark::Counter(
      2.0 * size.rows * size.columns * size.depth,
      benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

#ifdef SR2L_HAS_CBLAS
void BM_CblasSgemm(benchmark::State& state) {
  const ProductSize size = Size(state);
  const std::vector<float> a(size.rows * size.depth, 0.5f);
  const std::vector<float> b(size.depth * size.columns, 0.25f);
  std::vector<float> c(size.rows * size.columns);
  for (auto _ : state) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size.rows, size.columns, size.depth,
                1, a.data(), size.depth, b.data(), size.columns, 0, c.data(), size.columns);
    benchmark::ClobberMemory();
  }
  ReportFlops(size, state);
}
BENCHMARK(BM_CblasSgemm)->Args({64, 64, 64})->Args({1000, 64, 64})->Args({512, 512, 512});
#endif

void BM_SumOfProducts(benchmark::State& state) {
  const ProductSize size = Size(state);
  const std::vector<float> a(size.rows * size.depth, 0.5f);
  const std::vector<float> b(size.depth * size.columns, 0.25f);
  std::vector<float> c(size.rows * size.columns);
  for (auto _ : state) {
    SumOfProducts({{a.data(), size.depth, 1, b.data(), size.depth}}, ProductStart::kZero,
                  nullptr, {c.data(), size.rows, size.columns});
    benchmark::ClobberMemory();
  }
  ReportFlops(size, state);
}
BENCHMARK(BM_SumOfProducts)->Args({64, 64, 64})->Args({1000, 64, 64})->Args({1000, 64, 17});

MlpShape Policy() {
  return {.inputs = kObservations, .hidden = {64, 64}, .outputs = kActions};
}

// One pass of the policy network over 1000 states: 0 forward, 1 parameters' VJP, 2 inputs'
// VJP, 3 parameters' JVP, 4 difference.
void BM_Mlp(benchmark::State& state) {
  const auto backend = state.range(0) == 0 ? MlpBackend::kFused : MlpBackend::kTorch;
  const int64_t what = state.range(1);
  BatchedMlp mlp(Policy(), 1, {torch::kCPU, torch::kFloat32, backend});
  const torch::Tensor parameters = 0.1 * torch::randn({1, mlp.num_parameters()});
  const torch::Tensor inputs = torch::randn({1, 1000, kObservations});
  const torch::Tensor cotangent = torch::randn({1, 1000, kActions});
  MlpPoint point = mlp.NewPoint(1000, BatchedMlp::Keep::kPreAndPost);
  MlpPoint moved = mlp.NewPoint(1000);
  torch::Tensor gradient = torch::empty_like(parameters);
  torch::Tensor input_gradient = torch::empty_like(inputs);
  torch::Tensor outputs = torch::empty_like(cotangent);
  mlp.Forward(parameters, inputs, point);
  for (auto _ : state) {
    if (what == 0) mlp.Forward(parameters, inputs, point);
    if (what == 1) mlp.ParameterVjp(parameters, point, cotangent, gradient);
    if (what == 2) mlp.InputVjp(parameters, point, cotangent, input_gradient);
    if (what == 3) mlp.ParameterJvp(parameters, point, parameters, outputs);
    if (what == 4) mlp.ForwardDifference(parameters, point, 0.01 * inputs, moved, outputs);
  }
  state.SetLabel(std::string(backend == MlpBackend::kFused ? "fused " : "operators ") +
                 (const char*[]){"forward", "parameter VJP", "input VJP", "parameter JVP",
                                 "difference"}[what]);
}
BENCHMARK(BM_Mlp)->ArgsProduct({{0, 1}, {0, 1, 2, 3, 4}})->Unit(benchmark::kMicrosecond);

RoundBatch RandomRound(int64_t members, int64_t streams, int64_t steps) {
  torch::manual_seed(1);
  RoundBatch batch;
  batch.observations = torch::randn({members, streams, steps, kObservations});
  batch.next_observations = torch::randn_like(batch.observations);
  batch.actions = torch::randn({members, streams, steps, kActions});
  batch.rewards = torch::randn({members, streams, steps}) + batch.actions.sum(3);
  batch.terminated = torch::zeros_like(batch.rewards);
  batch.truncated = torch::zeros_like(batch.rewards);
  batch.episode_step = torch::arange(steps).to(torch::kFloat32).expand_as(batch.rewards).contiguous();
  return batch;
}

void ReportPhases(const PhaseSeconds& sum, int64_t members, benchmark::State& state) {
  const auto report = [&](const char* name, double seconds) {
    state.counters[name] = benchmark::Counter(1e3 * seconds / static_cast<double>(members),
                                              benchmark::Counter::kAvgIterations);
  };
  report("advantages_ms", sum.advantages);
  report("perturbation_ms", sum.perturbation);
  report("gradient_ms", sum.gradient);
  report("cg_ms", sum.conjugate_gradient);
  report("line_search_ms", sum.line_search);
  report("value_fit_ms", sum.value_fit);
}

std::vector<MemberOptions> Members(int64_t count) {
  std::vector<MemberOptions> members;
  for (int64_t m = 0; m < count; ++m) members.push_back({.seed = static_cast<uint64_t>(m)});
  return members;
}

TrpoOptions Options() {
  TrpoOptions options;
  options.policy = Policy();
  return options;
}

// TRPO-SR with the default options, as training calls it. Phases are per member.
void BM_Update(benchmark::State& state) {
  torch::set_num_threads(1);
  const int64_t members = state.range(0);
  const RoundBatch batch = RandomRound(members, 1, 1000);
  Trpo trpo(Options(), SmoothnessOptions{}, Members(members), torch::kCPU);
  PhaseSeconds sum;
  for (auto _ : state) {
    const PhaseSeconds seconds = trpo.Update(batch).seconds;
    sum.advantages += seconds.advantages;
    sum.perturbation += seconds.perturbation;
    sum.gradient += seconds.gradient;
    sum.conjugate_gradient += seconds.conjugate_gradient;
    sum.line_search += seconds.line_search;
    sum.value_fit += seconds.value_fit;
  }
  ReportPhases(sum, members, state);
}
BENCHMARK(BM_Update)->Arg(1)->Arg(3)->Unit(benchmark::kMillisecond);

// The same by LibTorch's operators, all members as one batch: what a GPU runs.
void BM_UpdateByOperators(benchmark::State& state) {
  torch::set_num_threads(1);
  const torch::NoGradGuard no_gradient;
  const int64_t members = state.range(0);
  const RoundBatch batch = RandomRound(members, 1, 1000);
  TrpoState learned = Trpo(Options(), SmoothnessOptions{}, Members(members), torch::kCPU).state();
  TrpoUpdate update(Options(), SmoothnessOptions{}, {members, 1000},
                    {torch::kCPU, torch::kFloat32, MlpBackend::kTorch});
  PhaseSeconds sum;
  uint64_t index = 0;
  for (auto _ : state) {
    const PhaseSeconds seconds =
        update.Update(batch, Members(members), index++, learned).seconds;
    sum.advantages += seconds.advantages;
    sum.perturbation += seconds.perturbation;
    sum.gradient += seconds.gradient;
    sum.conjugate_gradient += seconds.conjugate_gradient;
    sum.line_search += seconds.line_search;
    sum.value_fit += seconds.value_fit;
  }
  ReportPhases(sum, members, state);
}
BENCHMARK(BM_UpdateByOperators)->Arg(1)->Arg(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sr2l
