// Sampling and limits over a Unix socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "replay/client/chunk_sender.h"
#include "replay/client/replay_client.h"
#include "replay/service/scraped_registry.h"
#include "tests/replay/chunks.h"
#include "tests/replay/replay_server.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class SampleServiceTest : public ::testing::Test {
 protected:
  // One stream; rounds of 8 steps.
  v1::TableSpec AddTable(bool limited) {
    v1::TableSpec spec = MakeSpec("e", 0, 1, 8);
    spec.set_capacity(1000);
    if (limited) {
      v1::TableLimits& limits = *spec.mutable_limits();
      limits.set_minimum_size(8);
      limits.set_samples_per_insert(1);
      limits.set_tolerance(16);
      limits.set_samples_per_version(8);
      limits.set_max_staleness(6);
    }
    EXPECT_EQ(client_.CreateTables({spec}), absl::OkStatus());
    EXPECT_TRUE(sender_.OpenStream(MakeKey(spec, 0), 1, Soon()).ok());
    return spec;
  }

  static absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

  void Send(const v1::TableSpec& spec, uint64_t first_step, uint64_t policy_version = 0) {
    v1::Chunk chunk = MakeChunk(spec, {.first_step = first_step, .num_steps = 8});
    if (spec.has_limits()) chunk.set_policy_version(policy_version);
    ASSERT_EQ(sender_.Send(std::make_shared<const v1::Chunk>(chunk)), absl::OkStatus());
  }

  void AwaitAnswers(v1::AppendResponse::Outcome outcome, int count) {
    const auto reached = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return std::count(outcomes_.begin(), outcomes_.end(), outcome) >= count;
    };
    absl::MutexLock lock(&mu_);
    ASSERT_TRUE(mu_.AwaitWithDeadline(absl::Condition(&reached), Soon()));
  }

  static v1::SampleRequest Request(uint32_t num_draws, double max_wait_seconds) {
    v1::SampleRequest request;
    request.set_experiment_id("e");
    request.add_members()->set_seed(3);
    request.set_num_draws(num_draws);
    request.set_max_wait_seconds(max_wait_seconds);
    return request;
  }

  // Rows that came.
  absl::StatusOr<uint64_t> Sample(const v1::SampleRequest& request) {
    uint64_t rows = 0;
    const absl::Status status = client_.Sample(request, [&rows](v1::SampleResponse part) {
      if (part.has_rows()) rows += part.rows().num_rows();
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return rows;
  }

  absl::Mutex mu_;
  std::vector<v1::AppendResponse::Outcome> outcomes_ ABSL_GUARDED_BY(mu_);
  ReplayServer server_{uint64_t{64} << 20};
  const std::shared_ptr<grpc::Channel> channel_ = server_.Connect();
  ReplayClient client_{channel_};
  ChunkSender sender_{channel_, {}, [this](const v1::AppendResponse& response) {
                        absl::MutexLock lock(&mu_);
                        outcomes_.push_back(response.outcome());
                      }};
};

TEST_F(SampleServiceTest, ADrawWaitsForItsRoundAndComesWhole) {
  const v1::TableSpec spec = AddTable(false);
  v1::SampleRequest request = Request(100000, 20);
  request.set_up_to_step(16);
  absl::StatusOr<uint64_t> rows;
  std::thread learner([&] { rows = Sample(request); });
  Send(spec, 0);
  Send(spec, 8);
  learner.join();
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(*rows, 100000);
  EXPECT_EQ(server_.metrics().samples.Value(), 100000);
}

TEST_F(SampleServiceTest, AWaitThatTakesTooLongSaysWhoIsMissing) {
  const v1::TableSpec spec = AddTable(false);
  Send(spec, 0);
  ASSERT_EQ(sender_.Flush(Soon()), absl::OkStatus());
  v1::SampleRequest request = Request(10, 0.05);
  request.set_up_to_step(16);
  const absl::Status late = Sample(request).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.message()),
              AllOf(HasSubstr("from the steps before 16 waits for 1 of 1 streams"),
                    HasSubstr("member 0 stream 0 has 0 of 8 steps (epoch 1, last chunk ")));
}

TEST_F(SampleServiceTest, ALimitedWaitThatTakesTooLongNamesTheLimitAndWhoMustAct) {
  const v1::TableSpec spec = AddTable(true);
  const absl::Status late = Sample(Request(8, 0.05)).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.message()),
              HasSubstr("draw 0 of experiment e waits for 1 of 1 members: member 0 draws wait: 0 "
                        "of at least 8 transitions (minimum_size) are inserted; actors must "
                        "insert"));
}

TEST_F(SampleServiceTest, ALimitedChunkIsStoredOnceTheLearnerHasDrawn) {
  const v1::TableSpec spec = AddTable(true);
  for (uint64_t step = 0; step < 32; step += 8) Send(spec, step);
  AwaitAnswers(v1::AppendResponse::STORED, 3);  // the balance is 16 now
  AwaitAnswers(v1::AppendResponse::LIMITED, 2);
  const auto described = client_.DescribeTables("e");
  ASSERT_TRUE(described.ok());
  EXPECT_EQ(described->tables(0).limiter().inserts(), 24);
  EXPECT_THAT(described->tables(0).limiter().waiting(), HasSubstr("the learner must sample"));
  EXPECT_EQ(*Sample(Request(8, 20)), 8);
  AwaitAnswers(v1::AppendResponse::STORED, 4);
  EXPECT_EQ(sender_.Flush(Soon()), absl::OkStatus());
}

TEST_F(SampleServiceTest, AStaleChunkEndsAndThoseAfterItAreGaps) {
  const v1::TableSpec spec = AddTable(true);
  Send(spec, 0);
  ASSERT_EQ(sender_.Flush(Soon()), absl::OkStatus());
  v1::SampleRequest request = Request(0, 0);
  request.set_policy_version(7);
  ASSERT_TRUE(Sample(request).ok());
  Send(spec, 8, /*policy_version=*/0);
  Send(spec, 16, /*policy_version=*/7);
  AwaitAnswers(v1::AppendResponse::STALE_POLICY, 1);
  AwaitAnswers(v1::AppendResponse::GAP, 1);
  ASSERT_EQ(sender_.Flush(Soon()), absl::OkStatus());
  const auto opened = sender_.OpenStream(MakeKey(spec, 0), 1, Soon());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->next_step(), 8);
  Send(spec, 8, /*policy_version=*/7);
  AwaitAnswers(v1::AppendResponse::STORED, 2);
}

TEST_F(SampleServiceTest, AnActorThatIsGoneDoesNotHoldTheLearner) {
  const v1::TableSpec spec = AddTable(true);
  Send(spec, 0);
  Send(spec, 8);
  ASSERT_EQ(sender_.Flush(Soon()), absl::OkStatus());
  v1::SampleRequest request = Request(8, 0.05);
  request.set_policy_version(9);
  const absl::Status held = Sample(request).status();
  EXPECT_THAT(std::string(held.message()), HasSubstr("draws wait for stream 0"));
  sender_.Close();
  request.set_max_wait_seconds(20);
  EXPECT_EQ(*Sample(request), 8);
}

TEST_F(SampleServiceTest, NewLimitsWakeADrawThatWaits) {
  const v1::TableSpec spec = AddTable(true);
  v1::TableLimits limits = spec.limits();
  limits.set_minimum_size(16);
  ASSERT_EQ(client_.SetLimits("e", {0}, limits), absl::OkStatus());
  Send(spec, 0);
  ASSERT_EQ(sender_.Flush(Soon()), absl::OkStatus());
  absl::StatusOr<uint64_t> rows;
  std::thread learner([&] { rows = Sample(Request(8, 20)); });
  limits.set_minimum_size(8);
  EXPECT_EQ(client_.SetLimits("e", {0}, limits), absl::OkStatus());
  learner.join();
  EXPECT_TRUE(rows.ok()) << rows.status();
  limits.set_max_staleness(1);
  EXPECT_EQ(client_.SetLimits("e", {0}, limits).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SampleServiceTest, AnErrorOfTheReceiverEndsTheCall) {
  const v1::TableSpec spec = AddTable(false);
  Send(spec, 0);
  v1::SampleRequest request = Request(10000000, 20);
  request.set_up_to_step(8);
  int parts = 0;
  const absl::Status status = client_.Sample(request, [&parts](const v1::SampleResponse&) {
    return ++parts < 3 ? absl::OkStatus() : absl::DataLossError("enough");
  });
  EXPECT_EQ(status, absl::DataLossError("enough"));
  EXPECT_EQ(parts, 3);
}

// The value of a metric without labels, or of the one with this label.
double ValueOf(const prometheus::Registry& registry, const std::string& name,
               const std::string& label = "") {
  for (const prometheus::MetricFamily& family : registry.Collect()) {
    if (family.name != name) continue;
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string labels;
      for (const auto& pair : metric.label) labels += pair.value + " ";
      if (labels.find(label) != std::string::npos) return metric.gauge.value;
    }
  }
  ADD_FAILURE() << "no metric " << name << " with " << label;
  return -1;
}

TEST_F(SampleServiceTest, AScrapeSeesTheTablesAsTheyAre) {
  const v1::TableSpec spec = AddTable(true);
  ScrapedRegistry registry;
  ReplayMetrics metrics(registry);
  registry.OnScrape([&] { metrics.Set(server_.store().Totals(absl::Now())); });
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_transitions"), 0);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_limiter_balance"), -8);
  for (uint64_t step = 0; step < 32; step += 8) Send(spec, step);
  AwaitAnswers(v1::AppendResponse::LIMITED, 1);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_transitions"), 24);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_transition_payload_bytes"), 24 * 25);
  EXPECT_GE(ValueOf(registry, "sr2l_replay_transition_bytes"), 24 * 25);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_limiter_balance"), 16);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_limiter_tolerance"), 16);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_limiter_blocked", "actor"), 1);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_limiter_blocked", "staleness"), 0);
  ASSERT_TRUE(Sample(Request(8, 20)).ok());
  AwaitAnswers(v1::AppendResponse::STORED, 4);
  EXPECT_EQ(ValueOf(registry, "sr2l_replay_limiter_blocked", "actor"), 0);
  EXPECT_EQ(server_.metrics().samples.Value(), 8);
}

TEST_F(SampleServiceTest, WaitsOutsideTheirRangeAreRefused) {
  AddTable(false);
  for (const double seconds : {-1.0, 61.0, static_cast<double>(NAN)}) {
    EXPECT_THAT(std::string(Sample(Request(1, seconds)).status().message()),
                HasSubstr("max_wait_seconds must be in [0, 60]"));
  }
}

TEST_F(SampleServiceTest, ManyRandomCallsThatEndEarlyLeaveTheServerWorking) {
  const v1::TableSpec spec = AddTable(false);
  Send(spec, 0);
  std::vector<std::thread> learners;
  for (int i = 0; i < 4; ++i) {
    learners.emplace_back([&] {
      for (int call = 0; call < 20; ++call) {
        v1::SampleRequest request = Request(200000, call % 2 == 0 ? 0 : 0.002);
        request.set_up_to_step(call % 3 == 0 ? 16 : 8);
        int parts = 0;
        static_cast<void>(client_.Sample(request, [&](const v1::SampleResponse&) {
          return ++parts < call % 5 ? absl::OkStatus() : absl::CancelledError("enough");
        }));
      }
    });
  }
  for (std::thread& learner : learners) learner.join();
  v1::SampleRequest request = Request(7, 20);
  request.set_up_to_step(8);
  EXPECT_EQ(*Sample(request), 7);
}

}  // namespace
}  // namespace sr2l
