// How long a replay takes to come up again with a million transitions of HalfCheetah's sizes in its
// log, against a plain sequential read of the same files. Neither finds them in the page cache.
// The log lies in a folder beside this program, or in SR2L_BENCH_FOLDER.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/status/check.h"
#include "replay/core/durable_log.h"
#include "replay/core/replay_store.h"
#include "tests/benchmarks/bench_folder.h"

namespace sr2l {
namespace {

constexpr uint32_t kStreams = 8;
constexpr uint32_t kStepsPerChunk = 1000;  // one round, 97 kB
constexpr uint64_t kTransitions = 1'000'000;
constexpr uint64_t kRounds = kTransitions / kStreams / kStepsPerChunk;
constexpr uint64_t kMemoryBytes = uint64_t{2} << 30;
constexpr uint32_t kObservationDim = 17;
constexpr uint32_t kActionDim = 6;
constexpr size_t kTokenBytes = 500;

v1::TableSpec Spec(bool ring) {
  v1::TableSpec spec;
  spec.set_experiment_id("bench");
  spec.set_num_streams(kStreams);
  spec.set_observation_dim(kObservationDim);
  spec.set_action_dim(kActionDim);
  spec.set_steps_per_round(kStepsPerChunk);
  if (ring) spec.set_capacity(kTransitions);
  return spec;
}

ChunkPtr MakeChunk(uint32_t stream, uint64_t round) {
  auto chunk = std::make_shared<v1::Chunk>();
  chunk->mutable_key()->set_experiment_id("bench");
  chunk->mutable_key()->set_stream(stream);
  chunk->set_lease_epoch(1);
  chunk->set_first_step(round * kStepsPerChunk);
  chunk->set_num_steps(kStepsPerChunk);
  chunk->set_policy_version(round);
  chunk->mutable_observations()->resize(4 * kObservationDim * (kStepsPerChunk + 1));
  chunk->mutable_actions()->resize(4 * kActionDim * kStepsPerChunk);
  chunk->mutable_rewards()->resize(4 * kStepsPerChunk);
  chunk->mutable_flags()->resize(kStepsPerChunk);
  chunk->mutable_resume_token()->resize(kTokenBytes);
  return chunk;
}

std::unique_ptr<DurableLog> OpenLog(const std::string& folder) {
  auto log = DurableLog::Open({.folder = folder, .byte_budget = kMemoryBytes});
  SR2L_CHECK(log.ok());
  return *std::move(log);
}

void WriteLog(const std::string& folder, bool ring) {
  const std::unique_ptr<DurableLog> log = OpenLog(folder);
  const auto store = *ReplayStore::Open(*log);
  SR2L_CHECK(store->CreateTables({Spec(ring)}).ok());
  for (uint64_t round = 0; round < kRounds; ++round) {
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
      const ChunkPtr chunk = MakeChunk(stream, round);
      if (round == 0) SR2L_CHECK(store->OpenStream(chunk->key(), 1).ok());
      while (store->Append(chunk, absl::Now())->outcome != v1::AppendResponse::STORED) {
      }
    }
  }
}

// Reads every file, or only takes it out of the page cache; the bytes.
uint64_t VisitFiles(const std::string& folder, bool read_them) {
  static std::vector<char> part(size_t{1} << 20);
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const int descriptor = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
    SR2L_CHECK(descriptor >= 0);
    if (!read_them) {
      fsync(descriptor);
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
    }
    for (ssize_t size = 0; read_them && (size = read(descriptor, part.data(), part.size())) > 0;) {
      bytes += static_cast<uint64_t>(size);
    }
    close(descriptor);
  }
  return bytes;
}

double Seconds(absl::Time begin) { return absl::ToDoubleSeconds(absl::Now() - begin); }

void BM_Recover(benchmark::State& state, bool ring) {
  const BenchFolder folder;
  WriteLog(folder.path(), ring);
  double open_seconds = 0;
  double read_seconds = 0;
  uint64_t bytes = 0;
  for (auto _ : state) {
    VisitFiles(folder.path(), /*read_them=*/false);
    absl::Time begin = absl::Now();
    bytes = VisitFiles(folder.path(), /*read_them=*/true);
    read_seconds += Seconds(begin);
    VisitFiles(folder.path(), /*read_them=*/false);
    begin = absl::Now();
    const std::unique_ptr<DurableLog> log = OpenLog(folder.path());
    const auto store = *ReplayStore::Open(*log);
    const double elapsed = Seconds(begin);
    state.SetIterationTime(elapsed);
    open_seconds += elapsed;
    uint64_t steps = 0;
    const auto described = *store->Describe("bench");
    for (const uint64_t next_step : described.tables(0).next_step()) steps += next_step;
    SR2L_CHECK(steps == kTransitions);
  }
  const auto times = static_cast<double>(state.iterations());
  state.counters["MB"] = static_cast<double>(bytes) / 1e6;
  state.counters["open_MB_per_s"] = times * static_cast<double>(bytes) / open_seconds / 1e6;
  state.counters["read_MB_per_s"] = times * static_cast<double>(bytes) / read_seconds / 1e6;
  state.counters["open_over_read"] = read_seconds / open_seconds;
}
BENCHMARK_CAPTURE(BM_Recover, rounds, false)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Recover, ring, true)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sr2l

BENCHMARK_MAIN();
