#include "replay/service/replay_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "replay/client/replay_client.h"
#include "tests/replay/chunks.h"
#include "tests/replay/replay_server.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kStored = v1::AppendResponse::STORED;

class ReplayServiceTest : public ::testing::Test {
 protected:
  v1::TableSpec AddTable(uint32_t member, uint32_t num_streams) {
    const v1::TableSpec spec = MakeSpec("e", member, num_streams, 8);
    EXPECT_EQ(client_.CreateTables({spec}), absl::OkStatus());
    for (uint32_t stream = 0; stream < num_streams; ++stream) {
      EXPECT_TRUE(Open(spec, stream, 1).ok());
    }
    return spec;
  }

  grpc::Status Open(const v1::TableSpec& spec, uint32_t stream, uint64_t epoch) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::OpenStreamRequest request;
    *request.mutable_key() = MakeKey(spec, stream);
    request.set_lease_epoch(epoch);
    v1::OpenStreamResponse response;
    return stub_->OpenStream(&context, request, &response);
  }

  // Sends the chunks on one Append call and returns the answers.
  std::vector<v1::AppendResponse> Append(const std::vector<v1::Chunk>& chunks) {
    grpc::ClientContext context;
    SetDeadline(context);
    const auto stream = stub_->Append(&context);
    std::thread writer([&] {
      for (const v1::Chunk& chunk : chunks) {
        v1::AppendRequest request;
        *request.mutable_chunk() = chunk;
        EXPECT_TRUE(stream->Write(request));
      }
      stream->WritesDone();
    });
    std::vector<v1::AppendResponse> answers;
    v1::AppendResponse answer;
    while (stream->Read(&answer)) answers.push_back(answer);
    writer.join();
    EXPECT_TRUE(stream->Finish().ok());
    return answers;
  }

  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  }

  double Count(v1::AppendResponse::Outcome outcome) {
    return server_.metrics().chunks(outcome).Value();
  }

  ReplayServer server_{uint64_t{64} << 20};
  const std::shared_ptr<grpc::Channel> channel_ = server_.Connect();
  const std::unique_ptr<v1::Replay::Stub> stub_ = v1::Replay::NewStub(channel_);
  ReplayClient client_{channel_};
};

TEST_F(ReplayServiceTest, EveryChunkIsAnsweredInOrderAndAMalformedOneKeepsTheStreamOpen) {
  const v1::TableSpec spec = AddTable(0, 1);
  v1::Chunk malformed = MakeChunk(spec, {.first_step = 2, .num_steps = 2});
  malformed.clear_actions();
  const auto answers = Append({MakeChunk(spec, {.first_step = 0, .num_steps = 2}), malformed,
                               MakeChunk(spec, {.first_step = 2, .num_steps = 2}),
                               MakeChunk(spec, {.first_step = 0, .num_steps = 2}),
                               MakeChunk(spec, {.first_step = 6, .num_steps = 2}),
                               MakeChunk(spec, {.first_step = 4, .num_steps = 2, .epoch = 9}),
                               MakeChunk(MakeSpec("f", 0, 1, 8), {.num_steps = 2})});
  std::vector<v1::AppendResponse::Outcome> outcomes;
  for (const auto& answer : answers) outcomes.push_back(answer.outcome());
  EXPECT_THAT(outcomes, ElementsAre(kStored, v1::AppendResponse::MALFORMED, kStored,
                                    v1::AppendResponse::DUPLICATE, v1::AppendResponse::GAP,
                                    v1::AppendResponse::STALE_EPOCH,
                                    v1::AppendResponse::UNKNOWN_TABLE));
  EXPECT_THAT(answers[1].message(), HasSubstr("chunk.actions must have 16 bytes"));
  EXPECT_EQ(answers[0].durability(), v1::AppendResponse::MEMORY);
  EXPECT_FALSE(answers[0].has_log_sync());
  EXPECT_EQ(answers[4].first_step(), 6);
  EXPECT_EQ(answers[4].next_step(), 4);
  EXPECT_EQ(answers[4].key().experiment_id(), "e");
  for (const auto outcome : outcomes) EXPECT_EQ(Count(outcome), outcome == kStored ? 2 : 1);
  EXPECT_EQ(server_.metrics().steps_inserted.Value(), 4);
  EXPECT_EQ(server_.metrics().stored_bytes.Value(), server_.store().bytes());
}

TEST_F(ReplayServiceTest, ThousandsOfChunksInFlightAreAllAnsweredInOrder) {
  const v1::TableSpec spec = AddTable(0, 1);
  std::vector<v1::Chunk> chunks;
  for (uint64_t step = 0; step < 4000; ++step) {
    chunks.push_back(MakeChunk(spec, {.first_step = step}));
  }
  const auto answers = Append(chunks);
  ASSERT_EQ(answers.size(), chunks.size());
  for (uint64_t step = 0; step < answers.size(); ++step) {
    ASSERT_EQ(answers[step].outcome(), kStored);
    ASSERT_EQ(answers[step].first_step(), step);
  }
}

TEST_F(ReplayServiceTest, AMessageWithoutAChunkIsMalformed) {
  AddTable(0, 1);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stream = stub_->Append(&context);
  ASSERT_TRUE(stream->Write(v1::AppendRequest()));
  v1::AppendResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_EQ(answer.outcome(), v1::AppendResponse::MALFORMED);
  EXPECT_EQ(answer.message(), "chunk must be set");
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ReplayServiceTest, AMessageBeyondTheLimitEndsItsStreamOnly) {
  const v1::TableSpec spec = AddTable(0, 1);
  grpc::ChannelArguments arguments;
  arguments.SetMaxSendMessageSize(-1);
  const auto unlimited = v1::Replay::NewStub(grpc::CreateCustomChannel(
      server_.address(), grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stream = unlimited->Append(&context);
  v1::AppendRequest request;
  request.mutable_chunk()->mutable_observations()->resize(kMaxReplayMessageBytes + 1);
  stream->Write(request);
  v1::AppendResponse answer;
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Append({MakeChunk(spec, {.num_steps = 8})})[0].outcome(), kStored);
}

TEST_F(ReplayServiceTest, AChunkWithTooManyBytesIsMalformedAndCounted) {
  v1::TableSpec spec = MakeSpec("e", 0, 1, 40);
  spec.set_observation_dim(10000);
  ASSERT_EQ(client_.CreateTables({spec}), absl::OkStatus());
  ASSERT_TRUE(Open(spec, 0, 1).ok());
  const auto answers = Append({MakeChunk(spec, {.num_steps = 26})});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].outcome(), v1::AppendResponse::MALFORMED);
  EXPECT_THAT(answers[0].message(), HasSubstr("at most 1048576 bytes together"));
  EXPECT_EQ(Count(v1::AppendResponse::MALFORMED), 1);
  EXPECT_EQ(Append({MakeChunk(spec, {.num_steps = 25})})[0].outcome(), kStored);
}

TEST_F(ReplayServiceTest, ARoundComesInCanonicalOrderOnceItIsComplete) {
  const v1::TableSpec zero = AddTable(0, 2);
  const v1::TableSpec one = AddTable(1, 1);
  absl::StatusOr<std::vector<v1::Chunk>> chunks;
  std::thread reader(
      [&] { chunks = client_.ReadRound("e", {1, 0}, 0, absl::Seconds(20)); });
  Append({MakeChunk(one, {.num_steps = 8}), MakeChunk(zero, {.stream = 1, .num_steps = 8}),
          MakeChunk(zero, {.stream = 0, .num_steps = 5, .ends = {1, 4}}),
          MakeChunk(zero, {.stream = 0, .first_step = 5, .num_steps = 3})});
  reader.join();
  ASSERT_TRUE(chunks.ok()) << chunks.status();
  ASSERT_EQ(chunks->size(), 4);
  const auto expect_equal = [&](int index, const v1::Chunk& expected) {
    EXPECT_EQ(chunks->at(index).SerializeAsString(), expected.SerializeAsString());
  };
  expect_equal(0, MakeChunk(zero, {.stream = 0, .num_steps = 5, .ends = {1, 4}}));
  expect_equal(1, MakeChunk(zero, {.stream = 0, .first_step = 5, .num_steps = 3}));
  expect_equal(2, MakeChunk(zero, {.stream = 1, .num_steps = 8}));
  expect_equal(3, MakeChunk(one, {.num_steps = 8}));
  EXPECT_EQ(server_.metrics().rounds_read.Value(), 1);
  // Reading takes nothing away; releasing does.
  EXPECT_EQ(client_.ReadRound("e", {0}, 0, absl::ZeroDuration())->size(), 3);
  EXPECT_EQ(client_.ReleaseRounds("e", {0, 1}, 1), absl::OkStatus());
  EXPECT_EQ(client_.ReadRound("e", {0}, 0, absl::ZeroDuration()).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(server_.metrics().stored_bytes.Value(), server_.store().bytes());
}

TEST_F(ReplayServiceTest, ARoundThatIsNotCompleteInTimeSaysWhoIsMissing) {
  const v1::TableSpec spec = AddTable(0, 2);
  Append({MakeChunk(spec, {.stream = 0, .num_steps = 8}),
          MakeChunk(spec, {.stream = 1, .num_steps = 6})});
  for (const absl::Duration max_wait : {absl::ZeroDuration(), absl::Milliseconds(30)}) {
    const auto missing = client_.ReadRound("e", {0}, 0, max_wait);
    EXPECT_EQ(missing.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(std::string(missing.status().message()),
                AllOf(HasSubstr("round 0 of experiment e waits for 1 of 2 streams"),
                      HasSubstr("member 0 stream 1 has 6 of 8 steps (epoch 1, last chunk")));
  }
}

TEST_F(ReplayServiceTest, AReaderThatGoesAwayLeavesNothingBehind) {
  const v1::TableSpec spec = AddTable(0, 1);
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ReadRoundRequest request;
    request.set_experiment_id("e");
    request.add_members(0);
    request.set_max_wait_seconds(60);
    const auto reader = stub_->ReadRound(&context, request);
    context.TryCancel();
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_EQ(Append({MakeChunk(spec, {.num_steps = 8})})[0].outcome(), kStored);
  EXPECT_EQ(client_.ReadRound("e", {0}, 0, absl::Seconds(1))->size(), 1);
}

TEST_F(ReplayServiceTest, DroppingAnExperimentEndsItsReaders) {
  AddTable(0, 1);
  absl::StatusOr<std::vector<v1::Chunk>> chunks;
  std::thread reader([&] { chunks = client_.ReadRound("e", {0}, 0, absl::Seconds(30)); });
  // Either the reader waits by now and is woken, or it finds no table.
  EXPECT_EQ(client_.DropExperiment("e"), absl::OkStatus());
  reader.join();
  EXPECT_THAT(chunks.status().code(), ::testing::AnyOf(absl::StatusCode::kUnavailable,
                                                       absl::StatusCode::kNotFound))
      << chunks.status();
}

TEST_F(ReplayServiceTest, AServerThatStopsEndsItsReadersAndAppenders) {
  AddTable(0, 1);
  grpc::ClientContext context;
  SetDeadline(context);
  const auto appender = stub_->Append(&context);
  absl::StatusOr<std::vector<v1::Chunk>> chunks;
  std::thread reader([&] { chunks = client_.ReadRound("e", {0}, 0, absl::Seconds(30)); });
  server_.Stop();
  reader.join();
  EXPECT_FALSE(chunks.ok());
  EXPECT_NE(chunks.status().code(), absl::StatusCode::kDeadlineExceeded);
  v1::AppendResponse answer;
  EXPECT_FALSE(appender->Read(&answer));
  EXPECT_FALSE(appender->Finish().ok());
  EXPECT_EQ(server_.metrics().append_streams.Value(), 0);
}

TEST_F(ReplayServiceTest, WaitsOutsideTheirRangeAreRefused) {
  AddTable(0, 1);
  for (const double seconds : {-1.0, 60.5, std::nan("")}) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ReadRoundRequest request;
    request.set_experiment_id("e");
    request.add_members(0);
    request.set_max_wait_seconds(seconds);
    const auto status = stub_->ReadRound(&context, request)->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("max_wait_seconds must be in [0, 60]"));
  }
}

TEST_F(ReplayServiceTest, InMemoryASyncIsAnsweredAtOnceWithWhatThatIsWorth) {
  const v1::TableSpec spec = AddTable(0, 1);
  Append({MakeChunk(spec, {.num_steps = 8})});
  const auto durability = client_.Sync(absl::Seconds(20));
  ASSERT_TRUE(durability.ok()) << durability.status();
  EXPECT_EQ(*durability, v1::AppendResponse::MEMORY);
}

TEST_F(ReplayServiceTest, TakingAStreamOverIsCounted) {
  const v1::TableSpec spec = AddTable(0, 1);
  EXPECT_EQ(server_.metrics().streams_fenced.Value(), 0);
  EXPECT_TRUE(Open(spec, 0, 2).ok());
  EXPECT_TRUE(Open(spec, 0, 2).ok());
  EXPECT_EQ(server_.metrics().streams_fenced.Value(), 1);
  EXPECT_EQ(Open(spec, 0, 1).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(ReplayServiceTest, DescribeShowsWhatIsHeld) {
  const v1::TableSpec spec = AddTable(0, 2);
  Append({MakeChunk(spec, {.stream = 1, .num_steps = 3})});
  const auto description = client_.DescribeTables("");
  ASSERT_TRUE(description.ok());
  EXPECT_THAT(description->tables(0).next_step(), ElementsAre(0, 3));
  EXPECT_EQ(description->bytes(), server_.store().bytes());
  EXPECT_EQ(description->byte_budget(), uint64_t{64} << 20);
}

}  // namespace
}  // namespace sr2l
