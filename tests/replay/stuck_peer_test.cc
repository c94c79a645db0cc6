// Peers that are alive but take nothing: they are held to little, and the others are served.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "replay/client/replay_client.h"
#include "replay/service/append_reactor.h"
#include "tests/replay/chunks.h"
#include "tests/replay/replay_server.h"

namespace sr2l {
namespace {

constexpr absl::Duration kPatience = absl::Milliseconds(400);
constexpr absl::Duration kDeadline = absl::Minutes(1);

class StuckPeerTest : public ::testing::Test {
 protected:
  explicit StuckPeerTest(absl::Duration patience = kPatience)
      : server_(uint64_t{64} << 20, patience) {}

  void SetUp() override { ASSERT_TRUE(client_.CreateTables({spec_}).ok()); }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
  }

  // Opens the stream and stores the steps in one chunk.
  void Store(uint32_t stream, uint32_t num_steps) {
    grpc::ClientContext open_context;
    SetDeadline(open_context);
    v1::OpenStreamRequest open;
    *open.mutable_key() = MakeKey(spec_, stream);
    open.set_lease_epoch(1);
    v1::OpenStreamResponse opened;
    ASSERT_TRUE(stub_->OpenStream(&open_context, open, &opened).ok());

    grpc::ClientContext context;
    SetDeadline(context);
    const auto append = stub_->Append(&context);
    v1::AppendRequest request;
    *request.mutable_chunk() = MakeChunk(spec_, {.stream = stream, .num_steps = num_steps});
    ASSERT_TRUE(append->Write(request));
    v1::AppendResponse answer;
    ASSERT_TRUE(append->Read(&answer));
    EXPECT_EQ(answer.outcome(), v1::AppendResponse::STORED) << answer.message();
    append->WritesDone();
    EXPECT_TRUE(append->Finish().ok());
  }

  void StoreRound() {
    for (uint32_t stream = 0; stream < kStreams; ++stream) Store(stream, kStepsPerRound);
  }

  // A round is far more than a connection holds on its way: 40 chunks of 500 kB.
  static constexpr uint32_t kStreams = 40;
  static constexpr uint32_t kStepsPerRound = 20000;

  const v1::TableSpec spec_ = MakeSpec("e", 0, kStreams, kStepsPerRound);
  ReplayServer server_;
  const std::shared_ptr<grpc::Channel> channel_ = server_.Connect();
  const std::unique_ptr<v1::Replay::Stub> stub_ = v1::Replay::NewStub(channel_);
  ReplayClient client_{channel_};
};

TEST_F(StuckPeerTest, AnActorThatTakesNoAnswersIsReadNoFurther) {
  Store(0, 1);
  const auto& duplicates = server_.metrics().chunks(v1::AppendResponse::DUPLICATE);
  const auto stuck_stub = v1::Replay::NewStub(server_.Connect());
  grpc::ClientContext context;
  const auto stuck = stuck_stub->Append(&context);
  std::atomic<int> written = 0;
  std::jthread writer([&] {
    v1::AppendRequest request;
    *request.mutable_chunk() = MakeChunk(spec_, {.num_steps = 1});
    // Ends with the call.
    while (stuck->Write(request)) ++written;
  });
  const absl::Cleanup cancel = [&context] { context.TryCancel(); };  // before the writer is joined
  // The server stops, and with it the writer, once its answers fill what is on the way.
  const absl::Time end = absl::Now() + kDeadline;
  double seen = -1;
  int seen_written = -1;
  while (seen != duplicates.Value() || seen_written != written ||
         seen < AppendReactor::kMaxAnswers) {
    ASSERT_LT(absl::Now(), end) << seen << " answers, " << seen_written << " chunks written";
    seen = duplicates.Value();
    seen_written = written;
    absl::SleepFor(absl::Seconds(1));
  }

  Store(1, 1);  // others are served
  // The server is done with their calls somewhat after they are.
  while (server_.metrics().append_streams.Value() > 1) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(server_.metrics().append_streams.Value(), 1);
  context.TryCancel();
  writer.join();
  stuck->Finish();
  while (server_.metrics().append_streams.Value() > 0) absl::SleepFor(absl::Milliseconds(1));
}

TEST_F(StuckPeerTest, AReaderThatTakesNothingLosesItsCallAndOthersRead) {
  StoreRound();
  const auto stuck_stub = v1::Replay::NewStub(server_.Connect());
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ReadRoundRequest request;
  request.set_experiment_id("e");
  request.add_members(0);
  request.set_max_wait_seconds(10);
  const auto stuck = stuck_stub->ReadRound(&context, request);

  const auto chunks = client_.ReadRound("e", {0}, 0, absl::Seconds(10));
  ASSERT_TRUE(chunks.ok()) << chunks.status();
  EXPECT_EQ(chunks->size(), kStreams);

  // The server has ended the call when the reader comes back.
  absl::SleepFor(10 * kPatience);
  v1::ReadRoundResponse response;
  uint32_t taken = 0;
  while (stuck->Read(&response)) ++taken;
  EXPECT_LT(taken, kStreams);
  EXPECT_EQ(stuck->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

// The server sees what was taken in bursts, of as much as a connection holds on its way.
class SlowPeerTest : public StuckPeerTest {
 protected:
  static constexpr absl::Duration kSlowPatience = absl::Seconds(1);
  SlowPeerTest() : StuckPeerTest(kSlowPatience) {}
};

TEST_F(SlowPeerTest, AReaderThatTakesALittleAtATimeKeepsItsCallForLongerThanThePatience) {
  StoreRound();
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ReadRoundRequest request;
  request.set_experiment_id("e");
  request.add_members(0);
  request.set_max_wait_seconds(10);
  const absl::Time begin = absl::Now();
  const auto slow = stub_->ReadRound(&context, request);
  v1::ReadRoundResponse response;
  for (uint32_t taken = 0; taken < kStreams; ++taken) {
    ASSERT_TRUE(slow->Read(&response)) << taken;
    if (absl::Now() - begin < 3 * kSlowPatience / 2) {
      EXPECT_EQ(server_.metrics().rounds_read.Value(), 0) << "all is on its way after " << taken;
    }
    absl::SleepFor(kSlowPatience / 16);
  }
  EXPECT_GT(absl::Now() - begin, 2 * kSlowPatience);
  EXPECT_FALSE(slow->Read(&response));
  EXPECT_TRUE(slow->Finish().ok());
  EXPECT_EQ(server_.metrics().rounds_read.Value(), 1);
}

}  // namespace
}  // namespace sr2l
