// What an environment step costs beyond the physics: steps per second of each built-in
// task, beside a bare loop of mj_step with the same frame skip and the same actions.
#include <benchmark/benchmark.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "actor/driver/policy_batch.h"
#include "actor/environment/environment.h"
#include "actor/stream/actor_stream.h"
#include "common/policy/policy.h"
#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"
#include "tests/benchmarks/random_policy.h"

namespace sr2l {
namespace {

constexpr int kActions = 4096;

// Rows of actions, uniform in [-1, 1].
std::vector<float> Actions(int action_dim) {
  std::vector<float> actions(kActions * action_dim);
  const Philox random(/*seed=*/1, Purpose::kExploration);
  for (size_t i = 0; i < actions.size(); ++i) {
    actions[i] = static_cast<float>(2 * random.Uniform(i, 0) - 1);
  }
  return actions;
}

void BenchEnvironment(benchmark::State& state, const std::string& name) {
  const auto environment = *Environment::Create(*BuiltinTask(name));
  const std::vector<float> actions = Actions(environment->action_dim());
  uint64_t episode = 0;
  bool ok = environment->Reset(1, 0, episode).ok();
  int row = 0;
  for (auto _ : state) {
    const auto result = environment->Step(&actions[row * environment->action_dim()]);
    row = (row + 1) % kActions;
    if (result->terminated || result->truncated) {
      ok &= environment->Reset(1, 0, ++episode).ok();
    }
  }
  if (!ok) state.SkipWithError("reset failed");
  state.SetItemsProcessed(state.iterations());
  state.counters["episodes"] = static_cast<double>(episode);
}

// The same states and actions, so that contacts are as many, but nothing is looked at
// except where episodes end; those ends were noted before.
void BenchPhysics(benchmark::State& state, const std::string& name) {
  const v1::TaskConfig task = *BuiltinTask(name);
  const auto environment = *Environment::Create(task);
  const mjModel& model = environment->model();
  const std::vector<float> actions = Actions(environment->action_dim());
  const std::unique_ptr<mjData, MjDataDeleter> simulation(mj_makeData(&model));
  constexpr uint64_t kStarts = 64;
  struct Start {
    std::vector<double> qpos;
    std::vector<double> qvel;
    int length = 0;  // of the episode, steps
  };
  std::vector<Start> starts(kStarts);
  int row = 0;
  for (uint64_t episode = 0; episode < kStarts; ++episode) {
    if (!environment->Reset(1, 0, episode).ok()) state.SkipWithError("reset failed");
    Start& start = starts[episode];
    start.qpos.assign(environment->simulation().qpos, environment->simulation().qpos + model.nq);
    start.qvel.assign(environment->simulation().qvel, environment->simulation().qvel + model.nv);
    for (bool ended = false; !ended; ++start.length) {
      const auto result = environment->Step(&actions[row * model.nu]);
      row = (row + 1) % kActions;
      ended = result->terminated || result->truncated;
    }
  }
  uint64_t episode = 0;
  int step = 0;
  row = 0;
  const double scale = name == "inverted_pendulum" ? 3 : 1;
  for (auto _ : state) {
    const Start& start = starts[episode % kStarts];
    if (step == 0) {
      if (episode % kStarts == 0) row = 0;
      mj_resetData(&model, simulation.get());
      std::copy(start.qpos.begin(), start.qpos.end(), simulation->qpos);
      std::copy(start.qvel.begin(), start.qvel.end(), simulation->qvel);
    }
    for (int i = 0; i < model.nu; ++i) simulation->ctrl[i] = scale * actions[row * model.nu + i];
    row = (row + 1) % kActions;
    for (int i = 0; i < task.frame_skip(); ++i) mj_step(&model, simulation.get());
    if (++step == start.length) {
      step = 0;
      ++episode;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

// Policy, noise, environment and chunk: what an actor does per step, without the network.
void BenchStream(benchmark::State& state, const std::string& name) {
  const v1::TaskConfig config = *BuiltinTask(name);
  const auto policy = *Policy::Create(RandomPolicy(config));
  const auto stream = *ActorStream::Create({.seed = 1, .steps_per_round = 1000},
                                           *CompiledTask::Create(config), 0, "");
  PolicyBatch batch;
  batch.Add(stream.get(), policy.get());
  for (auto _ : state) {
    batch.Act();
    benchmark::DoNotOptimize(stream->Step(batch.action(0)));
    if (stream->chunk_is_due()) benchmark::DoNotOptimize(stream->TakeChunk(/*policy_version=*/0));
  }
  state.SetItemsProcessed(state.iterations());
}

void RegisterAll() {
  for (const std::string& name : BuiltinTaskNames()) {
    benchmark::RegisterBenchmark(("physics/" + name).c_str(), BenchPhysics, name);
    benchmark::RegisterBenchmark(("environment/" + name).c_str(), BenchEnvironment, name);
    benchmark::RegisterBenchmark(("stream/" + name).c_str(), BenchStream, name);
  }
}

}  // namespace
}  // namespace sr2l

int main(int argc, char** argv) {
  sr2l::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
