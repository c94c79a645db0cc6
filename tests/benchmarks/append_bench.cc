// Append of 128 KiB chunks over a Unix socket, through the chunk sender, the service and
// the store, with the log off and in each of its modes, against a bare gRPC stream that carries
// the same bytes and answers each message with a few of them, without decoding, checking or
// keeping anything. The log lies in a folder beside this program, or in SR2L_BENCH_FOLDER.
#include <benchmark/benchmark.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/rpc/self_owned_reactor.h"
#include "common/rpc/server.h"
#include "common/status/check.h"
#include "replay/client/chunk_sender.h"
#include "replay/core/durable_log.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_service.h"
#include "tests/benchmarks/bench_folder.h"

namespace sr2l {
namespace {

constexpr int kChunksPerBatch = 200;
constexpr uint32_t kObservationDim = 17;
constexpr uint32_t kActionDim = 6;
// HalfCheetah's sizes: 97 bytes a step, 128 KiB a chunk.
constexpr uint32_t kStepsPerChunk = 1351;
constexpr size_t kTokenBytes = 500;

// ---- the bare stream

class BareReactor final
    : public SelfOwnedReactor<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>> {
 public:
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWrite(&answer_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&message_);
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }

 protected:
  void Begin() override { StartRead(&message_); }

 private:
  const grpc::Slice slice_ = grpc::Slice("a short answer");
  const grpc::ByteBuffer answer_{&slice_, 1};
  grpc::ByteBuffer message_;
};

class BareService final : public v1::Replay::WithRawCallbackMethod_Append<v1::Replay::Service> {
 public:
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Append(
      grpc::CallbackServerContext* /*context*/) override {
    return SelfOwnedReactor<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>>::Start(
        std::make_shared<BareReactor>());
  }
};

// Writes one message `count` times, reads as many answers, and ends the call.
class BareSender final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  BareSender(grpc::GenericStub& stub, const grpc::ByteBuffer& message, int count)
      : message_(message), writes_left_(count) {
    stub.PrepareBidiStreamingCall(&context_, "/sr2l.v1.Replay/Append", {}, this);
    StartRead(&answer_);
    Write();
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (ok) StartRead(&answer_);
  }
  void OnWriteDone(bool ok) override {
    SR2L_CHECK(ok);
    if (writes_left_ > 0) Write();
  }
  void OnDone(const grpc::Status& status) override {
    SR2L_CHECK(status.ok());
    absl::MutexLock lock(&mu_);
    done_ = true;
  }

  void Await() {
    absl::MutexLock lock(&mu_, absl::Condition(&done_));
  }

 private:
  void Write() {
    --writes_left_;
    if (writes_left_ > 0) {
      StartWrite(&message_);
    } else {
      StartWriteLast(&message_, {});
    }
  }

  grpc::ClientContext context_;
  const grpc::ByteBuffer message_;
  grpc::ByteBuffer answer_;
  int writes_left_;
  absl::Mutex mu_;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
};

// ---- chunks

v1::TableSpec Spec() {
  v1::TableSpec spec;
  spec.set_experiment_id("bench");
  spec.set_num_streams(1);
  spec.set_observation_dim(kObservationDim);
  spec.set_action_dim(kActionDim);
  spec.set_steps_per_round(kStepsPerChunk);
  return spec;
}

v1::Chunk MakeChunk(uint64_t round) {
  v1::Chunk chunk;
  chunk.mutable_key()->set_experiment_id("bench");
  chunk.set_lease_epoch(1);
  chunk.set_first_step(round * kStepsPerChunk);
  chunk.set_num_steps(kStepsPerChunk);
  chunk.set_policy_version(round);
  chunk.mutable_observations()->resize(4 * kObservationDim * (kStepsPerChunk + 1));
  chunk.mutable_actions()->resize(4 * kActionDim * kStepsPerChunk);
  chunk.mutable_rewards()->resize(4 * kStepsPerChunk);
  chunk.mutable_flags()->resize(kStepsPerChunk);
  chunk.mutable_resume_token()->resize(kTokenBytes);
  return chunk;
}

constexpr uint64_t kMemoryBytes = uint64_t{256} << 20;

std::unique_ptr<TrajectoryLog> MakeLog(const std::string& folder, std::optional<LogSync> sync) {
  if (!sync.has_value()) return std::make_unique<MemoryLog>(kMemoryBytes);
  auto log = DurableLog::Open(
      {.folder = folder, .byte_budget = kMemoryBytes, .sync = {.mode = *sync}});
  SR2L_CHECK(log.ok());
  return *std::move(log);
}

// Both servers, on Unix sockets in a folder of their own.
struct Servers {
  explicit Servers(std::optional<LogSync> sync)
      : log(MakeLog(folder.path() + "/log", sync)),
        metrics(registry),
        store(*ReplayStore::Open(*log)) {
    service = std::make_unique<ReplayService>(*store, metrics);
    replay = *RpcServer::Start("unix:" + folder.path() + "/replay", {}, {service.get()});
    bare = *RpcServer::Start("unix:" + folder.path() + "/bare", {}, {&bare_service});
    SR2L_CHECK(store->CreateTables({Spec()}).ok());
    SR2L_CHECK(store->OpenStream(MakeChunk(0).key(), 1).ok());
  }
  ~Servers() {
    replay->Shutdown();
    bare->Shutdown();
  }

  const BenchFolder folder;
  const std::unique_ptr<TrajectoryLog> log;
  prometheus::Registry registry;
  ReplayMetrics metrics;
  std::unique_ptr<ReplayStore> store;
  std::unique_ptr<ReplayService> service;
  BareService bare_service;
  std::unique_ptr<RpcServer> replay;
  std::unique_ptr<RpcServer> bare;
};

double Seconds(absl::Time begin) { return absl::ToDoubleSeconds(absl::Now() - begin); }

// Alternates a batch of chunks with a batch of the bare stream, so that both see the same
// machine. The time is that of the chunks.
void BM_AppendAgainstBareStream(benchmark::State& state, std::optional<LogSync> sync) {
  Servers servers(sync);
  ChunkSender sender(*MakeChannel(servers.replay->address(), {}), {},
                     [](const v1::AppendResponse& response) {
                       SR2L_CHECK(response.outcome() == v1::AppendResponse::STORED);
                     });
  grpc::GenericStub bare_stub(*MakeChannel(servers.bare->address(), {}));
  const grpc::Slice bytes(MakeChunk(0).SerializeAsString());
  const grpc::ByteBuffer message(&bytes, 1);
  uint64_t round = 0;
  double append_seconds = 0;
  double bare_seconds = 0;
  for (auto _ : state) {
    std::vector<std::shared_ptr<const v1::Chunk>> chunks;
    for (int i = 0; i < kChunksPerBatch; ++i) {
      chunks.push_back(std::make_shared<const v1::Chunk>(MakeChunk(round++)));
    }
    absl::Time begin = absl::Now();
    for (const auto& chunk : chunks) SR2L_CHECK(sender.Send(chunk).ok());
    SR2L_CHECK(sender.Flush(absl::Now() + absl::Seconds(60)).ok());
    const double elapsed = Seconds(begin);
    state.SetIterationTime(elapsed);
    append_seconds += elapsed;
    SR2L_CHECK(servers.store->ReleaseRounds("bench", {0}, round).ok());

    begin = absl::Now();
    BareSender(bare_stub, message, kChunksPerBatch).Await();
    bare_seconds += Seconds(begin);
  }
  const double batch_bytes = static_cast<double>(kChunksPerBatch * bytes.size());
  const auto batches = static_cast<double>(state.iterations());
  state.counters["chunk_bytes"] = static_cast<double>(bytes.size());
  state.counters["append_MB_per_s"] = batches * batch_bytes / append_seconds / 1e6;
  state.counters["bare_MB_per_s"] = batches * batch_bytes / bare_seconds / 1e6;
  state.counters["append_over_bare"] = bare_seconds / append_seconds;
}
BENCHMARK_CAPTURE(BM_AppendAgainstBareStream, log_off, std::nullopt)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_AppendAgainstBareStream, log_none, LogSync::kNone)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_AppendAgainstBareStream, log_interval, LogSync::kInterval)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_AppendAgainstBareStream, log_commit, LogSync::kCommit)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sr2l

BENCHMARK_MAIN();
