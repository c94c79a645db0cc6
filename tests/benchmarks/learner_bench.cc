// How long an update takes, phase by phase, beside the arithmetic peak of this machine.
//   OPENBLAS_NUM_THREADS=1 learner_bench
#include <benchmark/benchmark.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>
#ifdef SR2L_HAS_CBLAS
#include <cblas.h>
#endif

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "learner/algorithms/trpo.h"
#include "learner/nn/mlp.h"
#include "learner/nn/multiply.h"
#include "tests/learner/nn/operator_graph.h"

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

void Add(const PhaseSeconds& seconds, PhaseSeconds& sum) {
  sum.advantages += seconds.advantages;
  sum.perturbation += seconds.perturbation;
  sum.gradient += seconds.gradient;
  sum.conjugate_gradient += seconds.conjugate_gradient;
  sum.line_search += seconds.line_search;
  sum.value_fit += seconds.value_fit;
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

// FLOP/s of the matrix library's product of two 64 x 64 matrices, the best of many: what an
// update is compared with. Measured anew for every benchmark, in the same state of the machine.
double SgemmPeak() {
#ifdef SR2L_HAS_CBLAS
  constexpr int kSize = 64;
  constexpr int kRepeats = 20;
  const std::vector<float> a(kSize * kSize, 0.5f);
  std::vector<float> c(kSize * kSize);
  double best = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kRepeats; ++i) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, kSize, kSize, kSize, 1, a.data(),
                  kSize, a.data(), kSize, 0, c.data(), kSize);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best = std::max(best, kRepeats * 2.0 * kSize * kSize * kSize / seconds.count());
  }
  return best;
#else
  return 0;
#endif
}

// Multiply-adds per row of a network's passes; `moved` first inputs move or are asked for.
struct PassCosts {
  double forward = 0;
  double parameter_vjp = 0;
  double parameter_jvp = 0;
  double input_vjp = 0;
  double difference = 0;

  PassCosts(const MlpShape& shape, int64_t moved) {
    for (const MlpLayer& layer : Layers(shape)) {
      const double product = static_cast<double>(layer.inputs * layer.outputs);
      const bool first = layer.weight == 0;
      const double narrow = static_cast<double>(moved * layer.outputs);
      forward += product;
      parameter_vjp += first ? product : 2 * product;
      parameter_jvp += first ? product : 2 * product;
      input_vjp += first ? narrow : product;
      difference += first ? narrow : product;
    }
  }
};

// Of one iteration whose line search tried `tries` steps.
double IterationFlops(const TrpoOptions& options, const std::optional<SmoothnessOptions>& smoothness,
                      double rows, double tries) {
  const auto& value_options = std::get<ValueNetworkOptions>(options.baseline);
  const PassCosts policy(options.policy, kObservations);
  const PassCosts value(ValueNetwork::Shape(value_options, kObservations), kObservations);
  double sum = (1 + tries) * policy.forward + policy.parameter_vjp +
               options.cg_iterations * (policy.parameter_jvp + policy.parameter_vjp) +
               3 * value.forward + value_options.epochs * (value.forward + value.parameter_vjp);
  if (smoothness.has_value()) {
    sum += (smoothness->steps + 1 + tries) * policy.difference +
           smoothness->steps * policy.input_vjp + policy.parameter_vjp;
  }
  return 2 * sum * rows;
}

// 0: TRPO, 1: TRPO-SR; members. The default options, as training calls it. Phases are per
// member; `share`: of SgemmPeak, counting the products' multiply-adds alone.
void BM_TrpoUpdate(benchmark::State& state) {
  torch::set_num_threads(1);
  std::optional<SmoothnessOptions> smoothness;
  if (state.range(0) == 1) smoothness.emplace();
  const int64_t members = state.range(1);
  constexpr int64_t kRows = 1000;
  const RoundBatch batch = RandomRound(members, 1, kRows);
  Trpo trpo(Options(), smoothness, Members(members), torch::kCPU);
  const double peak = SgemmPeak();
  PhaseSeconds sum;
  double flops = 0;
  for (auto _ : state) {
    const TrpoStats stats = trpo.Update(batch);
    Add(stats.seconds, sum);
    for (int64_t m = 0; m < members; ++m) {
      const int backtracks = stats.backtracks[m].item<int>();
      const int tries = backtracks < 0 ? Options().backtracks : backtracks + 1;
      flops += IterationFlops(Options(), smoothness, kRows, tries);
    }
  }
  ReportPhases(sum, members, state);
  state.counters["sgemm_GFLOP/s"] = 1e-9 * peak;
  state.counters["ms_per_member"] =
      benchmark::Counter(1e-3 * static_cast<double>(state.iterations() * members),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (peak > 0) {
    state.counters["share"] = benchmark::Counter(flops / peak, benchmark::Counter::kIsRate);
  }
  state.SetLabel(smoothness.has_value() ? "TRPO-SR" : "TRPO");
}
BENCHMARK(BM_TrpoUpdate)
    ->ArgNames({"variant", "members"})
    ->ArgsProduct({{0, 1}, {1, 10}})
    ->Unit(benchmark::kMillisecond);

// The same by LibTorch's operators, all members as one batch: what a GPU runs.
void BM_TrpoUpdateByOperators(benchmark::State& state) {
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
    Add(update.Update(batch, Members(members), index++, learned).seconds, sum);
  }
  ReportPhases(sum, members, state);
}
BENCHMARK(BM_TrpoUpdateByOperators)->Arg(1)->Arg(3)->Unit(benchmark::kMillisecond);

DdpgOptions OffPolicyOptions(int64_t batch_size) {
  DdpgOptions options;
  options.batch_size = batch_size;
  options.actor.inputs = kObservations;
  options.actor.outputs = kActions;
  options.critic.inputs = kObservations + kActions;
  return options;
}

double UpdateFlops(const DdpgOptions& options, const std::optional<DdpgSmoothness>& smoothness) {
  const PassCosts actor(options.actor, kObservations);
  const PassCosts critic(options.critic, kObservations);
  const PassCosts action_gradient(options.critic, kActions);
  double sum = 2 * actor.forward + actor.parameter_vjp + 3 * critic.forward + critic.parameter_vjp +
               action_gradient.input_vjp;
  if (smoothness.has_value()) {
    const bool policy = smoothness->target == SmoothnessTarget::kPolicy;
    const PassCosts& network = policy ? actor : critic;
    const int steps = smoothness->options.steps;
    sum += (steps + 1) * network.difference + steps * network.input_vjp + network.parameter_vjp;
  }
  return 2 * sum * static_cast<double>(options.batch_size);
}

TransitionBlock RandomTransitions(int64_t members, int64_t count) {
  torch::manual_seed(1);
  TransitionBlock block;
  block.observations = torch::randn({members, count, kObservations});
  block.actions = torch::rand({members, count, kActions}) * 2 - 1;
  block.rewards = torch::randn({members, count});
  block.next_observations = torch::randn_like(block.observations);
  block.terminated = (torch::rand({members, count}) < 0.01).to(torch::kFloat32);
  block.truncated = torch::zeros_like(block.terminated);
  return block;
}

constexpr const char* kDdpgVariants[] = {"DDPG", "DDPG-SR-A", "DDPG-SR-C"};

std::optional<DdpgSmoothness> DdpgVariant(int64_t variant) {
  if (variant == 1) return DdpgSmoothness{SmoothnessTarget::kPolicy, {}};
  if (variant == 2) return DdpgSmoothness{SmoothnessTarget::kCritic, {}};
  return std::nullopt;
}

// 0: DDPG, 1: DDPG-SR-A, 2: DDPG-SR-C; batch size; members; updates per call. Rates are per
// second of the one core; `share`: of SgemmPeak, counting the products' multiply-adds alone.
void BM_DdpgUpdate(benchmark::State& state) {
  torch::set_num_threads(1);
  const std::optional<DdpgSmoothness> smoothness = DdpgVariant(state.range(0));
  const DdpgOptions options = OffPolicyOptions(state.range(1));
  const int64_t members = state.range(2);
  const int64_t updates = state.range(3);
  const TransitionBlock block = RandomTransitions(members, updates * options.batch_size);
  Ddpg ddpg(options, smoothness, Members(members), torch::kCPU);
  const double peak = SgemmPeak();
  DdpgSeconds sum;
  for (auto _ : state) {
    const DdpgSeconds seconds = ddpg.Update(0, block).seconds;
    sum.targets += seconds.targets;
    sum.critic += seconds.critic;
    sum.perturbation += seconds.perturbation;
    sum.actor += seconds.actor;
    sum.finish += seconds.finish;
  }
  const double done = static_cast<double>(state.iterations() * members * updates);
  state.counters["updates/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.counters["sgemm_GFLOP/s"] = 1e-9 * peak;
  if (peak > 0) {
    const double products = done * UpdateFlops(options, smoothness);
    state.counters["share"] =
        benchmark::Counter(products / peak, benchmark::Counter::kIsRate);
  }
  state.counters["targets_us"] = 1e6 * sum.targets / done;
  state.counters["critic_us"] = 1e6 * sum.critic / done;
  state.counters["perturbation_us"] = 1e6 * sum.perturbation / done;
  state.counters["actor_us"] = 1e6 * sum.actor / done;
  state.counters["finish_us"] = 1e6 * sum.finish / done;
  state.SetLabel(kDdpgVariants[state.range(0)]);
}
BENCHMARK(BM_DdpgUpdate)
    ->ArgNames({"variant", "batch", "members", "calls_of"})
    ->ArgsProduct({{0, 1, 2}, {64, 100, 256}, {1, 10}, {50}})
    ->ArgsProduct({{0, 1, 2}, {64}, {1}, {1}})
    ->Unit(benchmark::kMillisecond);

// The same on a CUDA device, 50 updates of batch 64 per call, all members as one batch; `graphs`
// 0: without CUDA graphs, every operator started by itself.
void BM_DdpgUpdateOnCuda(benchmark::State& state) {
  if (!torch::cuda::is_available()) {
    state.SkipWithError("no CUDA device here");
    return;
  }
  const torch::NoGradGuard no_gradient;
  const std::optional<DdpgSmoothness> smoothness = DdpgVariant(state.range(0));
  const int64_t members = state.range(1);
  constexpr int64_t kUpdates = 50;
  const DdpgOptions options = OffPolicyOptions(64);
  MlpPlacement placement = {.device = torch::kCUDA};
  if (state.range(2) == 0) placement.new_graph = NoDeviceGraph;
  TransitionBlock block = RandomTransitions(members, kUpdates * options.batch_size);
  for (torch::Tensor TransitionBlock::*field :
       {&TransitionBlock::observations, &TransitionBlock::actions, &TransitionBlock::rewards,
        &TransitionBlock::next_observations, &TransitionBlock::terminated,
        &TransitionBlock::truncated}) {
    block.*field = (block.*field).cuda();
  }
  DdpgState learned = Ddpg(options, smoothness, Members(members), torch::kCUDA).state();
  DdpgUpdate update(options, smoothness, members, placement);
  update.Update(block, 0, Members(members), learned);
  for (auto _ : state) update.Update(block, 0, Members(members), learned);
  state.counters["us_per_update"] = benchmark::Counter(
      1e-6 * kUpdates, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.SetLabel(kDdpgVariants[state.range(0)]);
}
BENCHMARK(BM_DdpgUpdateOnCuda)
    ->ArgNames({"variant", "members", "graphs"})
    ->ArgsProduct({{0, 1, 2}, {1, 10}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

// The operators that compute in the graph of an update, and how many of them are batched
// products: a GPU starts a kernel for each, at least. Statistics are not among them.
void BM_DdpgUpdateOperators(benchmark::State& state) {
  const torch::NoGradGuard no_gradient;
  const std::optional<DdpgSmoothness> smoothness = DdpgVariant(state.range(0));
  const DdpgOptions options = OffPolicyOptions(64);
  OperatorGraph* graph = nullptr;
  MlpPlacement placement = {torch::kCPU, torch::kFloat64};  // float32 is computed by loops
  placement.new_graph = [&graph](torch::Device) {
    auto made = std::make_unique<OperatorGraph>();
    graph = made.get();
    return made;
  };
  TransitionBlock block = RandomTransitions(1, options.batch_size);
  const auto exact = [](const torch::Tensor& tensor) {
    return tensor.is_floating_point() ? tensor.to(torch::kFloat64) : tensor;
  };
  DdpgState learned =
      MapState(Ddpg(options, smoothness, Members(1), torch::kCPU).state(), exact);
  block = {.observations = exact(block.observations),
           .actions = exact(block.actions),
           .rewards = exact(block.rewards),
           .next_observations = exact(block.next_observations),
           .terminated = exact(block.terminated),
           .truncated = exact(block.truncated)};
  DdpgUpdate update(options, smoothness, 1, placement);
  for (auto _ : state) update.Update(block, 0, Members(1), learned);
  for (const auto& [name, count] : graph->Computing()) {
    state.counters["operators"] += static_cast<double>(count);
    if (name.find("bmm") != std::string::npos) {
      state.counters["products"] += static_cast<double>(count);
    }
  }
  state.SetLabel(kDdpgVariants[state.range(0)]);
}
BENCHMARK(BM_DdpgUpdateOperators)->ArgName("variant")->DenseRange(0, 2)->Iterations(1);

}  // namespace
}  // namespace sr2l
