// Many threads on one store: nothing is lost, nothing is stored twice, rounds are whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/random/philox.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "tests/replay/chunks.h"

namespace sr2l {
namespace {

constexpr uint32_t kStepsPerRound = 400;
constexpr uint32_t kStreams = 3;
constexpr uint64_t kRounds = 12;
// More than two rounds as they are here, less than three.
constexpr uint64_t kByteBudget = 180000;

// Which policy versions exist, and how often memory was full since the newest one.
class Learner {
 public:
  void Publish(uint64_t version) {
    absl::MutexLock lock(&mu_);
    version_ = version;
    full_ = 0;
  }
  void AwaitVersion(uint64_t version) {
    const auto published = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return version_ >= version; };
    absl::MutexLock lock(&mu_, absl::Condition(&published));
  }
  void CountFull() {
    absl::MutexLock lock(&mu_);
    ++full_;
  }
  void AwaitFull() {
    const auto full = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return full_ > 0; };
    absl::MutexLock lock(&mu_, absl::Condition(&full));
  }

 private:
  absl::Mutex mu_;
  uint64_t version_ ABSL_GUARDED_BY(mu_) = 0;
  int full_ ABSL_GUARDED_BY(mu_) = 0;
};

// Drives one stream to the end of the last round, in chunks of random sizes, sending some
// of them twice. Two such actors on one stream take it from each other.
void Drive(ReplayStore& store, Learner& learner, const v1::TableSpec& spec, uint32_t stream,
           uint64_t epoch, std::atomic<uint64_t>& stored_steps) {
  const Philox random(10 * spec.member() + epoch, Purpose::kJitter, stream);
  const auto opened = store.OpenStream(MakeKey(spec, stream), epoch);
  if (!opened.ok()) return;  // a later lease was faster
  uint64_t step = opened->next_step;
  for (uint64_t draw = 0; step < kRounds * kStepsPerRound; ++draw) {
    learner.AwaitVersion(step / kStepsPerRound);
    const uint64_t left = kStepsPerRound - step % kStepsPerRound;
    const auto wanted = static_cast<uint64_t>(1 + 15 * random.Uniform(draw, 0));
    const auto count = static_cast<uint32_t>(std::min(left, wanted));
    const ChunkPtr chunk = ShareChunk(
        spec, {.stream = stream, .first_step = step, .num_steps = count, .epoch = epoch});
    const AppendResult result = *store.Append(chunk, absl::UnixEpoch());
    if (result.outcome == v1::AppendResponse::STALE_EPOCH) return;
    if (result.outcome == v1::AppendResponse::FULL) {
      learner.CountFull();
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(result.outcome, v1::AppendResponse::STORED) << result.message;
    stored_steps += count;
    step += count;
    if (random.Uniform(draw, 1) < 0.2) {
      const auto again = store.Append(chunk, absl::UnixEpoch())->outcome;
      ASSERT_TRUE(again == v1::AppendResponse::DUPLICATE ||
                  again == v1::AppendResponse::STALE_EPOCH);
    }
  }
}

// Reads a round when it is complete and checks that every stream's steps are all there,
// once, in order. Returns their number.
uint64_t ReadRound(ReplayStore& store, const std::vector<uint32_t>& members, uint64_t round) {
  absl::Notification complete;
  absl::StatusOr<RoundReader> reader;
  store.WaitForRound({.experiment_id = "e", .members = members, .round = round},
                     [&](absl::StatusOr<RoundReader> ready) {
                       reader = std::move(ready);
                       complete.Notify();
                     });
  complete.WaitForNotification();
  EXPECT_TRUE(reader.ok()) << reader.status();
  uint64_t steps = 0;
  uint64_t expected_step = round * kStepsPerRound;
  while (true) {
    const auto chunk = reader->Next();
    EXPECT_TRUE(chunk.ok()) << chunk.status();
    if (!chunk.ok() || *chunk == nullptr) return steps;
    if (steps % kStepsPerRound == 0) expected_step = round * kStepsPerRound;
    const uint64_t stream_index = steps / kStepsPerRound;
    EXPECT_EQ((*chunk)->key().member(), stream_index / kStreams);
    EXPECT_EQ((*chunk)->key().stream(), stream_index % kStreams);
    EXPECT_EQ((*chunk)->first_step(), expected_step);
    expected_step += (*chunk)->num_steps();
    steps += (*chunk)->num_steps();
  }
}

TEST(StoreConcurrencyTest, EveryStepIsReadOnceThroughTakeoversDuplicatesAndFullMemory) {
  const std::vector<v1::TableSpec> specs = {MakeSpec("e", 0, kStreams, kStepsPerRound),
                                            MakeSpec("e", 1, kStreams, kStepsPerRound)};
  MemoryLog log(kByteBudget);
  const auto store = *ReplayStore::Open(log);
  ASSERT_EQ(store->CreateTables(specs), absl::OkStatus());
  Learner learner;
  std::atomic<uint64_t> stored_steps = 0;
  std::vector<std::thread> actors;
  for (const v1::TableSpec& spec : specs) {
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
      for (const uint64_t epoch : {1, 2}) {
        actors.emplace_back([&, stream, epoch] {
          Drive(*store, learner, spec, stream, epoch, stored_steps);
        });
      }
    }
  }
  uint64_t read_steps = 0;
  for (uint64_t round = 0; round < kRounds; ++round) {
    read_steps += ReadRound(*store, {0, 1}, round);
    learner.Publish(round + 1);
    // Two whole rounds are held: the next one fills the memory before it is complete.
    if (round > 0 && round + 1 < kRounds) learner.AwaitFull();
    EXPECT_LE(store->bytes(), kByteBudget);
    EXPECT_EQ(store->ReleaseRounds("e", {0, 1}, round), absl::OkStatus());
  }
  for (std::thread& actor : actors) actor.join();
  EXPECT_EQ(read_steps, 2 * kStreams * kRounds * kStepsPerRound);
  EXPECT_EQ(stored_steps, read_steps);
}

TEST(StoreConcurrencyTest, EveryWaitEndsWhenTheExperimentIsDroppedWhileChunksArrive) {
  for (int repetition = 0; repetition < 50; ++repetition) {
    const v1::TableSpec spec = MakeSpec("e", 0, kStreams, kStepsPerRound);
    MemoryLog log(1 << 20);
    const auto store = *ReplayStore::Open(log);
    ASSERT_EQ(store->CreateTables({spec}), absl::OkStatus());
    std::vector<std::thread> actors;
    for (uint32_t stream = 0; stream < kStreams; ++stream) {
      actors.emplace_back([&, stream] {
        if (!store->OpenStream(MakeKey(spec, stream), 1).ok()) return;
        auto outcome = v1::AppendResponse::STORED;
        for (uint64_t step = 0; outcome == v1::AppendResponse::STORED && step < 4000; ++step) {
          outcome = store->Append(ShareChunk(spec, {.stream = stream, .first_step = step}),
                                  absl::UnixEpoch())
                        ->outcome;
        }
      });
    }
    std::atomic<int> ended = 0;
    constexpr int kWaits = 20;
    for (int round = 0; round < kWaits; ++round) {
      store->WaitForRound(
          {.experiment_id = "e", .members = {0}, .round = static_cast<uint64_t>(1000 + round)},
          [&](const absl::StatusOr<RoundReader>& reader) {
            EXPECT_EQ(reader.status().code(), absl::StatusCode::kCancelled);
            ++ended;
          });
    }
    ASSERT_EQ(store->DropExperiment("e"), absl::OkStatus());
    EXPECT_EQ(ended, kWaits);
    for (std::thread& actor : actors) actor.join();
    EXPECT_EQ(store->bytes(), 0);
  }
}

}  // namespace
}  // namespace sr2l
