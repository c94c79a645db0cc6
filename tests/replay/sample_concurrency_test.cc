// Many actors and a learner on one table with limits, each on its own thread: nothing is
// lost, nobody waits for ever, and both limits hold.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
#include "tests/replay/random_streams.h"

namespace sr2l {
namespace {

constexpr uint32_t kStreams = 4;
constexpr uint64_t kVersions = 150;
constexpr uint32_t kRowsPerVersion = 64;

v1::TableSpec Spec() {
  v1::TableSpec spec = MakeSpec("e", 0, kStreams, 20);
  spec.set_capacity(400);
  v1::TableLimits& limits = *spec.mutable_limits();
  limits.set_minimum_size(100);
  limits.set_samples_per_insert(2);
  limits.set_tolerance(120);
  limits.set_samples_per_version(kRowsPerVersion);
  limits.set_max_staleness(6);
  return spec;
}

// Takes steps with the newest published policy until the learner has finished.
void Act(ReplayStore& store, uint32_t stream, const std::atomic<uint64_t>& published,
         const std::atomic<bool>& finished, std::atomic<uint64_t>& stored) {
  const v1::TableSpec spec = Spec();
  const auto steps = MakeSteps(spec, 5, stream, 8000, 30);
  uint64_t call = 1000 * (stream + 1);
  uint64_t step = store.OpenStream(MakeKey(spec, stream), 1)->next_step;
  uint64_t version = 0;
  bool retry = false;
  while (!finished) {
    if (!retry) version = published;
    v1::Chunk chunk =
        CutChunk(spec, stream, steps, step,
                 1 + static_cast<uint32_t>(step % 7) % (20 - static_cast<uint32_t>(step % 20)));
    chunk.set_policy_version(version);
    const AppendResult result = *store.Append(std::make_shared<v1::Chunk>(std::move(chunk)),
                                              Arrival{.now = absl::Now(), .call = call});
    retry = result.outcome == v1::AppendResponse::LIMITED;
    if (result.outcome == v1::AppendResponse::STORED) {
      stored += result.next_step - step;
      step = result.next_step;
      if (step % 40 == 0) store.EndCall(call++);
    } else if (result.outcome == v1::AppendResponse::STALE_POLICY) {
      ASSERT_TRUE(store.OpenStream(MakeKey(spec, stream), 1).ok());
    } else {
      ASSERT_EQ(result.outcome, v1::AppendResponse::LIMITED) << result.message;
      std::this_thread::yield();
    }
  }
  store.EndCall(call);
}

// The rows of one version, each of which must be a transition of the streams.
void Draw(ReplayStore& store, uint64_t version,
          const std::vector<std::vector<PlainTransition>>& steps) {
  v1::SampleRequest request;
  request.set_experiment_id("e");
  request.add_members()->set_seed(1);
  request.set_first_draw(version * kRowsPerVersion);
  request.set_num_draws(kRowsPerVersion);
  request.set_policy_version(version);
  absl::Notification ready;
  absl::StatusOr<SampleReader> reader;
  store.WaitForSample(request, [&](absl::StatusOr<SampleReader> granted) {
    reader = std::move(granted);
    ready.Notify();
  });
  ASSERT_TRUE(ready.WaitForNotificationWithTimeout(absl::Seconds(60)))
      << store.DescribeWait(request, absl::Now());
  v1::SampleResponse part;
  size_t found = 0;
  std::vector<uint64_t> ends;
  for (absl::StatusOr<bool> more = reader->Next(part); *more; more = reader->Next(part)) {
    if (part.has_summary())
      ends.assign(part.summary().end_step().begin(), part.summary().end_step().end());
    for (size_t i = 0; part.has_rows() && i < part.rows().num_rows(); ++i) {
      const PlainTransition row = RowOf(Spec(), part.rows(), i);
      for (uint32_t stream = 0; stream < kStreams; ++stream) {
        const uint64_t begin = ends[stream] > 100 ? ends[stream] - 100 : 0;
        for (uint64_t t = begin; t < ends[stream]; ++t)
          found += SameRow(row, steps[stream][t]) ? 1 : 0;
      }
    }
  }
  ASSERT_EQ(found, kRowsPerVersion);
}

TEST(SampleConcurrencyTest, ActorsAndALearnerStayInStepAndEveryRowIsATransition) {
  MemoryLog log(uint64_t{16} << 20);
  const auto store = *ReplayStore::Open(log);
  ASSERT_EQ(store->CreateTables({Spec()}), absl::OkStatus());
  std::atomic<uint64_t> published{0};
  std::atomic<bool> finished{false};
  std::atomic<uint64_t> stored{0};
  std::vector<std::vector<PlainTransition>> steps;
  for (uint32_t i = 0; i < kStreams; ++i) steps.push_back(MakeSteps(Spec(), 5, i, 8000, 30));
  std::vector<std::thread> actors;
  for (uint32_t i = 0; i < kStreams; ++i) {
    actors.emplace_back([&, i] { Act(*store, i, published, finished, stored); });
  }
  for (uint64_t version = 0; version < kVersions && !::testing::Test::HasFailure(); ++version) {
    Draw(*store, version, steps);
    published = version + 1;
    const v1::LimiterState state = store->Describe("e")->tables(0).limiter();
    EXPECT_LE(std::abs(state.balance()), Spec().limits().tolerance() * (1 + 1e-8));
    EXPECT_LE(state.largest_staleness(), 6);
  }
  finished = true;
  for (std::thread& actor : actors) actor.join();
  const auto table = store->Describe("e")->tables(0);
  EXPECT_EQ(table.limiter().samples(), kVersions * kRowsPerVersion);
  EXPECT_EQ(table.limiter().inserts(), stored);
  // Each stream's newest 100, of which a slow one may not have taken as many.
  uint64_t transitions = 0;
  for (const uint64_t next_step : table.next_step()) {
    transitions += std::min<uint64_t>(next_step, 100);
  }
  EXPECT_EQ(table.transitions(), transitions);
}

}  // namespace
}  // namespace sr2l
