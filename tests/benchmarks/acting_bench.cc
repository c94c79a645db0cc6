// What acting costs beyond the physics: an actor's whole work, with inference, chunks, and
// their way to a replay in another process, in steps per second. environment_bench has the
// bare simulation beside it.
//   build/bin/sr2l-replay --listen unix:/tmp/replay &
//   SR2L_REPLAY=unix:/tmp/replay taskset -c 0 build/benchmarks/acting_bench
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "actor/driver/driver.h"
#include "common/rpc/credentials.h"
#include "common/task/builtin_tasks.h"
#include "replay/client/chunk_sender.h"
#include "replay/client/replay_client.h"
#include "tests/benchmarks/random_policy.h"

namespace sr2l {
namespace {

constexpr char kExperiment[] = "acting";
constexpr uint64_t kStepsPerRound = 1000;

v1::PolicySnapshot PolicyOf(const v1::TaskConfig& task, uint64_t version) {
  v1::PolicySnapshot snapshot = RandomPolicy(task);
  snapshot.set_experiment_id(kExperiment);
  snapshot.set_version(version);
  return snapshot;
}

// An actor whose learner is the bench: the next policy is there when a round has ended.
class Actor : public DriverPorts {
 public:
  Actor(const std::shared_ptr<grpc::Channel>& replay, const v1::TaskConfig& task, int streams)
      : task_(task),
        streams_(streams),
        driver_(*this, {}),
        sender_(replay, {}, [this](const v1::AppendResponse& answer) {
          absl::MutexLock lock(&mu_);
          answers_.push_back(answer);
        }) {
    v1::FleetEvent event;
    event.mutable_assignment()->set_experiment_id(kExperiment);
    *event.mutable_assignment()->mutable_task() = task;
    event.mutable_assignment()->set_rounds(uint64_t{1} << 40);
    event.mutable_assignment()->set_steps_per_round(kStepsPerRound);
    event.mutable_assignment()->set_collection(v1::SYNCHRONOUS);
    driver_.OnFleetEvent(event);
    Publish();
    for (int stream = 0; stream < streams; ++stream) {
      v1::FleetEvent grant;
      grant.mutable_grant()->mutable_key()->set_experiment_id(kExperiment);
      grant.mutable_grant()->mutable_key()->set_stream(stream);
      grant.mutable_grant()->set_epoch(1);
      grant.mutable_grant()->set_seed(7);
      driver_.OnFleetEvent(grant);
    }
  }

  // One step of every stream.
  void Step() {
    if (steps_ > 0 && steps_ % kStepsPerRound == 0) Publish();
    while (true) {
      {
        absl::MutexLock lock(&mu_);
        fresh_.swap(answers_);
      }
      for (const v1::AppendResponse& answer : fresh_) driver_.OnAnswer(answer);
      fresh_.clear();
      if (driver_.Step() == streams_) break;
    }
    ++steps_;
  }

  bool failed() const { return failed_; }

  void OpenStream(const v1::StreamKey& key, uint64_t epoch, uint64_t ticket,
                  absl::Duration /*delay*/) override {
    opened_.push_back({key, ticket, sender_.OpenStream(key, epoch, absl::Now() + absl::Seconds(5))});
  }
  void AnswerOpened() {
    for (const Opened& opened : opened_) driver_.OnOpened(opened.key, opened.ticket, opened.answer);
    opened_.clear();
  }
  absl::Status Send(std::shared_ptr<const v1::Chunk> chunk) override {
    return sender_.Send(std::move(chunk));
  }
  void StepAside(const std::string& reason) override { Fail(reason); }
  void StartEvaluation(std::shared_ptr<const CompiledTask> /*task*/,
                       const v1::EvaluationGrant& /*grant*/) override {}
  void EndEvaluations(const std::string& /*id*/) override {}
  void ReportFailure(const std::string& /*id*/, const absl::Status& reason) override {
    Fail(reason.ToString());
  }

 private:
  struct Opened {
    v1::StreamKey key;
    uint64_t ticket = 0;
    absl::StatusOr<v1::OpenStreamResponse> answer;
  };

  void Publish() {
    v1::FleetEvent event;
    *event.mutable_policy() = PolicyOf(task_, version_++);
    driver_.OnFleetEvent(event);
  }
  void Fail(const std::string& reason) {
    std::fprintf(stderr, "%s\n", reason.c_str());
    failed_ = true;
  }

  const v1::TaskConfig task_;
  const int streams_;
  uint64_t version_ = 0;
  uint64_t steps_ = 0;
  bool failed_ = false;
  std::vector<Opened> opened_;
  absl::Mutex mu_;
  std::vector<v1::AppendResponse> answers_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::AppendResponse> fresh_;
  Driver driver_;
  ChunkSender sender_;
};

v1::TableSpec TableOf(const v1::TaskConfig& task, int streams) {
  v1::TableSpec table;
  table.set_experiment_id(kExperiment);
  table.set_num_streams(streams);
  table.set_observation_dim(task.observation_dim());
  table.set_action_dim(task.action_dim());
  table.set_steps_per_round(kStepsPerRound);
  return table;
}

void BenchActing(benchmark::State& state, const std::string& name, int streams) {
  const char* address = getenv("SR2L_REPLAY");
  if (address == nullptr) return state.SkipWithError("SR2L_REPLAY names no replay");
  const v1::TaskConfig task = *BuiltinTask(name);
  const auto channel = *MakeChannel(address, {});
  ReplayClient client(channel);
  absl::Status ready = client.DropExperiment(kExperiment);
  if (ready.ok()) ready = client.CreateTables({TableOf(task, streams)});
  if (!ready.ok()) return state.SkipWithError(ready.ToString().c_str());
  Actor actor(channel, task, streams);
  actor.AnswerOpened();
  for (auto _ : state) {
    actor.Step();
    if (actor.failed()) return state.SkipWithError("the actor failed");
  }
  state.SetItemsProcessed(state.iterations() * streams);
}

void RegisterAll() {
  for (const std::string& name : BuiltinTaskNames()) {
    for (const int streams : {1, 8}) {
      const std::string title = "acting/" + name + "/" + std::to_string(streams);
      benchmark::RegisterBenchmark(title.c_str(), BenchActing, name, streams);
    }
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
