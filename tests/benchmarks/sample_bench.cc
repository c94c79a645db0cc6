// Sample over a Unix socket, from a full table of a million transitions of HalfCheetah's
// sizes, in requests of 50 batches of 64 rows, against a copy of the same rows in memory and
// against a bare gRPC stream that carries the same bytes without looking at them. Printed,
// too: the store alone without a connection, and the memory that a transition takes over its
// payload.
#include <benchmark/benchmark.h>
#include <grpcpp/generic/generic_stub.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/random/philox.h"
#include "common/rpc/self_owned_reactor.h"
#include "common/rpc/server.h"
#include "common/status/check.h"
#include "replay/client/replay_client.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "replay/core/sampler.h"
#include "replay/service/replay_service.h"

namespace sr2l {
namespace {

constexpr uint32_t kStreams = 8;
constexpr uint32_t kObservationDim = 17;
constexpr uint32_t kActionDim = 6;
constexpr uint64_t kTransitions = 1000000;
constexpr uint32_t kStepsPerChunk = 1000;
constexpr uint32_t kRowsPerRequest = 50 * 64;
constexpr int kRequests = 50;  // of a kind, before the other kinds have their turn

// ---- the bare stream: one message, and the end of the call

class BareReactor final : public SelfOwnedReactor<grpc::ServerWriteReactor<grpc::ByteBuffer>> {
 public:
  explicit BareReactor(grpc::ByteBuffer message) : message_(std::move(message)) {}
  void OnWriteDone(bool ok) override { Finish(ok ? grpc::Status::OK : grpc::Status::CANCELLED); }

 protected:
  void Begin() override { StartWrite(&message_); }

 private:
  const grpc::ByteBuffer message_;
};

class BareService final : public v1::Replay::WithRawCallbackMethod_Sample<v1::Replay::Service> {
 public:
  explicit BareService(const std::string& bytes) : slice_(bytes) {}
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Sample(grpc::CallbackServerContext* /*context*/,
                                                     const grpc::ByteBuffer* /*request*/) override {
    return SelfOwnedReactor<grpc::ServerWriteReactor<grpc::ByteBuffer>>::Start(
        std::make_shared<BareReactor>(grpc::ByteBuffer(&slice_, 1)));
  }

 private:
  const grpc::Slice slice_;
};

// Makes the call with an empty request and reads what comes.
class BareReader final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit BareReader(grpc::GenericStub& stub) {
    stub.PrepareBidiStreamingCall(&context_, "/sr2l.v1.Replay/Sample", {}, this);
    StartRead(&answer_);
    StartWriteLast(&request_, {});
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    bytes_ += answer_.Length();
    StartRead(&answer_);
  }
  void OnDone(const grpc::Status& status) override {
    SR2L_CHECK(status.ok());
    absl::MutexLock lock(&mu_);
    done_ = true;
  }
  size_t Await() {
    absl::MutexLock lock(&mu_, absl::Condition(&done_));
    return bytes_;
  }

 private:
  grpc::ClientContext context_;
  const grpc::Slice empty_;
  const grpc::ByteBuffer request_{&empty_, 1};
  grpc::ByteBuffer answer_;
  size_t bytes_ = 0;
  absl::Mutex mu_;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
};

// ---- the table

v1::TableSpec Spec() {
  v1::TableSpec spec;
  spec.set_experiment_id("bench");
  spec.set_num_streams(kStreams);
  spec.set_observation_dim(kObservationDim);
  spec.set_action_dim(kActionDim);
  spec.set_steps_per_round(kStepsPerChunk);
  spec.set_capacity(kTransitions);
  return spec;
}

// One episode of the time limit's length.
v1::Chunk MakeChunk(uint32_t stream, uint64_t round) {
  v1::Chunk chunk;
  chunk.mutable_key()->set_experiment_id("bench");
  chunk.mutable_key()->set_stream(stream);
  chunk.set_lease_epoch(1);
  chunk.set_first_step(round * kStepsPerChunk);
  chunk.set_num_steps(kStepsPerChunk);
  chunk.set_policy_version(round);
  chunk.mutable_observations()->resize(4 * kObservationDim * (kStepsPerChunk + 1));
  chunk.mutable_actions()->resize(4 * kActionDim * kStepsPerChunk);
  chunk.mutable_rewards()->resize(4 * kStepsPerChunk);
  chunk.mutable_flags()->resize(kStepsPerChunk);
  chunk.mutable_flags()->back() = 2;
  chunk.mutable_final_observations()->resize(4 * kObservationDim);
  v1::EpisodeSummary& episode = *chunk.add_episodes();
  episode.set_offset(kStepsPerChunk - 1);
  episode.set_length(kStepsPerChunk);
  chunk.set_resume_token("token");
  return chunk;
}

constexpr uint64_t kRounds = kTransitions / kStreams / kStepsPerChunk + 1;

v1::SampleRequest Request(uint64_t first_draw) {
  v1::SampleRequest request;
  request.set_experiment_id("bench");
  v1::MemberSample& member = *request.add_members();
  member.set_seed(1);
  for (uint32_t i = 0; i < kStreams; ++i) member.add_since_step(kRounds * kStepsPerChunk - 100);
  request.set_up_to_step(kRounds * kStepsPerChunk);
  request.set_first_draw(first_draw);
  request.set_num_draws(kRowsPerRequest);
  return request;
}

// Both servers, on Unix sockets in a folder of their own.
struct Servers {
  Servers() : log(uint64_t{512} << 20), metrics(registry), store(*ReplayStore::Open(log)) {
    SR2L_CHECK(mkdtemp(folder.data()) != nullptr);
    service = std::make_unique<ReplayService>(*store, metrics);
    replay = *RpcServer::Start("unix:" + folder + "/replay", {}, {service.get()});
    bare = *RpcServer::Start("unix:" + folder + "/bare", {}, {&bare_service});
    SR2L_CHECK(store->CreateTables({Spec()}).ok());
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
      SR2L_CHECK(store->OpenStream(MakeChunk(stream, 0).key(), 1).ok());
      for (uint64_t round = 0; round < kRounds; ++round) {
        const auto chunk = std::make_shared<const v1::Chunk>(MakeChunk(stream, round));
        SR2L_CHECK(store->Append(chunk, absl::Now())->outcome == v1::AppendResponse::STORED);
      }
    }
  }
  ~Servers() {
    replay->Shutdown();
    bare->Shutdown();
    std::filesystem::remove_all(folder);
  }

  static constexpr size_t kRowBytes = 4 * (2 * kObservationDim + kActionDim + 1) + 1;

  std::string folder = "/tmp/sr2l-bench-XXXXXX";
  MemoryLog log;
  prometheus::Registry registry;
  ReplayMetrics metrics;
  std::unique_ptr<ReplayStore> store;
  std::unique_ptr<ReplayService> service;
  BareService bare_service{std::string(kRowBytes * kRowsPerRequest, '\0')};
  std::unique_ptr<RpcServer> replay;
  std::unique_ptr<RpcServer> bare;
};

// The same draws from arrays as large: what a learner with the whole table in its own memory
// would do.
struct Arrays {
  Arrays()
      : observations((kTransitions + 1) * kObservationDim),
        actions(kTransitions * kActionDim),
        rewards(kTransitions),
        flags(kTransitions) {}

  void Copy(uint64_t first_draw, std::vector<float>& to, std::vector<char>& to_flags) const {
    const auto positions = DrawPositions(1, first_draw, kRowsPerRequest, kTransitions);
    float* out = to.data();
    for (size_t i = 0; i < positions.size(); ++i) {
      const uint64_t position = positions[i];
      std::memcpy(out, &observations[position * kObservationDim], 8 * kObservationDim);
      out += 2 * kObservationDim;
      std::memcpy(out, &actions[position * kActionDim], 4 * kActionDim);
      out += kActionDim;
      *out++ = rewards[position];
      to_flags[i] = flags[position];
    }
  }

  std::vector<float> observations;
  std::vector<float> actions;
  std::vector<float> rewards;
  std::vector<char> flags;
};

double Seconds(absl::Time begin) { return absl::ToDoubleSeconds(absl::Now() - begin); }

// The kinds take turns, so that they see the same machine. The time is that of the
// sampling service.
void BM_SampleAgainstMemoryAndBareStream(benchmark::State& state) {
  Servers servers;
  const Arrays arrays;
  ReplayClient client(*MakeChannel(servers.replay->address(), {}));
  grpc::GenericStub bare_stub(*MakeChannel(servers.bare->address(), {}));
  std::vector<float> copied(kRowsPerRequest * (2 * kObservationDim + kActionDim + 1));
  std::vector<char> copied_flags(kRowsPerRequest);
  uint64_t draw = 0;
  double sample_seconds = 0;
  double copy_seconds = 0;
  double bare_seconds = 0;
  double gather_seconds = 0;
  for (auto _ : state) {
    absl::Time begin = absl::Now();
    for (int i = 0; i < kRequests; ++i) {
      uint32_t rows = 0;
      const absl::Status status = client.Sample(
          Request(draw + static_cast<uint64_t>(i) * kRowsPerRequest), [&](v1::SampleResponse part) {
            rows += part.rows().num_rows();
            return absl::OkStatus();
          });
      SR2L_CHECK(status.ok() && rows == kRowsPerRequest);
    }
    const double elapsed = Seconds(begin);
    state.SetIterationTime(elapsed);
    sample_seconds += elapsed;
    begin = absl::Now();
    for (int i = 0; i < kRequests; ++i) {
      arrays.Copy(draw + static_cast<uint64_t>(i) * kRowsPerRequest, copied, copied_flags);
      benchmark::DoNotOptimize(copied.data());
      benchmark::ClobberMemory();
    }
    copy_seconds += Seconds(begin);
    begin = absl::Now();
    for (int i = 0; i < kRequests; ++i) {
      SR2L_CHECK(BareReader(bare_stub).Await() == Servers::kRowBytes * kRowsPerRequest);
    }
    bare_seconds += Seconds(begin);
    begin = absl::Now();
    for (int i = 0; i < kRequests; ++i) {
      servers.store->WaitForSample(Request(draw + static_cast<uint64_t>(i) * kRowsPerRequest),
                                   [](absl::StatusOr<SampleReader> reader) {
                                     v1::SampleResponse part;
                                     while (*reader->Next(part)) benchmark::DoNotOptimize(part);
                                   });
    }
    gather_seconds += Seconds(begin);
    draw += uint64_t{kRequests} * kRowsPerRequest;
  }
  const double rows = static_cast<double>(state.iterations()) * kRequests * kRowsPerRequest;
  const auto table = servers.store->Describe("bench")->tables(0);
  state.counters["sample_rows_per_s"] = rows / sample_seconds;
  state.counters["copy_rows_per_s"] = rows / copy_seconds;
  state.counters["gather_rows_per_s"] = rows / gather_seconds;
  state.counters["bare_rows_per_s"] = rows / bare_seconds;
  state.counters["sample_over_copy"] = copy_seconds / sample_seconds;
  state.counters["sample_over_bare"] = bare_seconds / sample_seconds;
  state.counters["bytes_per_transition"] =
      static_cast<double>(table.bytes()) / static_cast<double>(table.transitions());
  state.counters["bytes_over_payload"] =
      static_cast<double>(table.bytes()) / static_cast<double>(table.payload_bytes());
}
BENCHMARK(BM_SampleAgainstMemoryAndBareStream)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sr2l

BENCHMARK_MAIN();
