#include "replay/client/chunk_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "replay/client/replay_client.h"
#include "tests/replay/chunks.h"
#include "tests/replay/eventually.h"
#include "tests/replay/replay_server.h"
#include "tests/replay/silent_replay.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

// Answers as they came. Thread-safe.
class Answers {
 public:
  ChunkSender::AnswerCallback Collect() {
    return [this](const v1::AppendResponse& response) {
      absl::MutexLock lock(&mu_);
      answers_.push_back(response);
    };
  }
  std::vector<v1::AppendResponse> all() {
    absl::MutexLock lock(&mu_);
    return answers_;
  }
  int Count(v1::AppendResponse::Outcome outcome) {
    absl::MutexLock lock(&mu_);
    return std::count_if(answers_.begin(), answers_.end(),
                         [outcome](const auto& answer) { return answer.outcome() == outcome; });
  }
  // Waits until there are `count` answers with this outcome.
  void Await(v1::AppendResponse::Outcome outcome, int count) {
    const auto enough = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return std::count_if(answers_.begin(), answers_.end(), [outcome](const auto& answer) {
               return answer.outcome() == outcome;
             }) >= count;
    };
    absl::MutexLock lock(&mu_);
    EXPECT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(30)));
  }

 private:
  absl::Mutex mu_;
  std::vector<v1::AppendResponse> answers_ ABSL_GUARDED_BY(mu_);
};

class ChunkSenderTest : public ::testing::Test {
 protected:
  explicit ChunkSenderTest(uint64_t byte_budget = uint64_t{64} << 20) : server_(byte_budget) {}

  v1::TableSpec AddTable(uint32_t num_streams, uint32_t steps_per_round) {
    const v1::TableSpec spec = MakeSpec("e", 0, num_streams, steps_per_round);
    EXPECT_EQ(server_.store().CreateTables({spec}), absl::OkStatus());
    for (uint32_t stream = 0; stream < num_streams; ++stream) {
      EXPECT_TRUE(server_.store().OpenStream(MakeKey(spec, stream), 1).ok());
    }
    return spec;
  }

  ReplayServer server_;
  Answers answers_;
};

TEST_F(ChunkSenderTest, EveryChunkIsAnsweredInOrder) {
  const v1::TableSpec spec = AddTable(1, 1000);
  ChunkSender sender(server_.Connect(), {}, answers_.Collect());
  for (uint64_t step = 0; step < 1000; ++step) {
    ASSERT_EQ(sender.Send(ShareChunk(spec, {.first_step = step})), absl::OkStatus());
  }
  ASSERT_EQ(sender.Flush(Soon()), absl::OkStatus());
  const auto answers = answers_.all();
  ASSERT_EQ(answers.size(), 1000);
  for (uint64_t step = 0; step < 1000; ++step) {
    ASSERT_EQ(answers[step].outcome(), v1::AppendResponse::STORED);
    ASSERT_EQ(answers[step].first_step(), step);
  }
  EXPECT_EQ(sender.unacked_bytes(), 0);
}

TEST_F(ChunkSenderTest, OpenStreamTellsWhereToGoOn) {
  const v1::TableSpec spec = AddTable(1, 8);
  ChunkSender sender(server_.Connect(), {}, answers_.Collect());
  ASSERT_EQ(sender.Send(ShareChunk(spec, {.num_steps = 5})), absl::OkStatus());
  ASSERT_EQ(sender.Flush(Soon()), absl::OkStatus());
  const auto opened = sender.OpenStream(MakeKey(spec, 0), 2, Soon());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->next_step(), 5);
  v1::ResumeToken token;
  ASSERT_TRUE(token.ParseFromString(opened->resume_token()));
  EXPECT_EQ(token.next_step(), 5);
  EXPECT_EQ(sender.OpenStream(MakeKey(spec, 0), 1, Soon()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(ChunkSenderTest, ALostLeaseIsReportedForEachOfItsChunks) {
  const v1::TableSpec spec = AddTable(2, 8);
  ChunkSender sender(server_.Connect(), {}, answers_.Collect());
  ASSERT_TRUE(server_.store().OpenStream(MakeKey(spec, 0), 2).ok());
  ASSERT_EQ(sender.Send(ShareChunk(spec, {.stream = 0})), absl::OkStatus());
  ASSERT_EQ(sender.Send(ShareChunk(spec, {.stream = 0, .first_step = 1})), absl::OkStatus());
  ASSERT_EQ(sender.Send(ShareChunk(spec, {.stream = 1})), absl::OkStatus());
  ASSERT_EQ(sender.Flush(Soon()), absl::OkStatus());
  EXPECT_EQ(answers_.Count(v1::AppendResponse::STALE_EPOCH), 2);
  EXPECT_EQ(answers_.Count(v1::AppendResponse::STORED), 1);
}

TEST_F(ChunkSenderTest, EveryStepIsStoredOnceThroughServerRestarts) {
  constexpr uint64_t kSteps = 3000;
  constexpr uint32_t kStreams = 2;
  const v1::TableSpec spec = AddTable(kStreams, kSteps);
  ChunkSender sender(server_.Connect(), {.max_unacked_bytes = 20000}, answers_.Collect());
  std::thread actor([&] {
    for (uint64_t step = 0; step < kSteps; ++step) {
      for (uint32_t stream = 0; stream < kStreams; ++stream) {
        ASSERT_TRUE(sender.AwaitRoom(Soon()));
        ASSERT_EQ(sender.Send(ShareChunk(spec, {.stream = stream, .first_step = step})),
                  absl::OkStatus());
      }
    }
  });
  for (int restart = 1; restart <= 5; ++restart) {
    answers_.Await(v1::AppendResponse::STORED, restart * 800);
    server_.Stop();
    server_.Start();
  }
  actor.join();
  ASSERT_EQ(sender.Flush(Soon()), absl::OkStatus());
  const int stored = answers_.Count(v1::AppendResponse::STORED);
  const int duplicate = answers_.Count(v1::AppendResponse::DUPLICATE);
  // One final answer for each chunk; a chunk stored by a connection that broke before the
  // answer came is a duplicate on the next one.
  EXPECT_EQ(stored + duplicate, kStreams * kSteps);
  EXPECT_EQ(server_.metrics().steps_inserted.Value(), kStreams * kSteps);
  const auto round =
      ReplayClient(server_.Connect()).ReadRound("e", {0}, 0, absl::ZeroDuration());
  ASSERT_TRUE(round.ok()) << round.status();
  ASSERT_EQ(round->size(), kStreams * kSteps);
  for (uint64_t i = 0; i < round->size(); ++i) {
    ASSERT_EQ(round->at(i).key().stream(), i / kSteps);
    ASSERT_EQ(round->at(i).first_step(), i % kSteps);
  }
}

class SmallMemoryTest : public ChunkSenderTest {
 protected:
  SmallMemoryTest() : ChunkSenderTest(/*byte_budget=*/40000) {}
};

TEST_F(SmallMemoryTest, ChunksWithoutRoomAreSentAgainUntilThereIsSome) {
  const v1::TableSpec spec = AddTable(1, 500);
  ChunkSender sender(server_.Connect(), {}, answers_.Collect());
  constexpr uint64_t kChunks = 40;
  constexpr uint64_t kRounds = kChunks / 10;
  for (uint64_t i = 0; i < kChunks; ++i) {
    ASSERT_EQ(sender.Send(ShareChunk(spec, {.first_step = 50 * i, .num_steps = 50})),
              absl::OkStatus());
  }
  answers_.Await(v1::AppendResponse::FULL, 2);
  ReplayClient client(server_.Connect());
  for (uint64_t round = 0; round < kRounds; ++round) {
    EXPECT_EQ(client.ReadRound("e", {0}, round, absl::Seconds(30))->size(), 10);
    EXPECT_EQ(client.ReleaseRounds("e", {0}, round + 1), absl::OkStatus());
  }
  EXPECT_EQ(sender.Flush(Soon()), absl::OkStatus());
  EXPECT_EQ(answers_.Count(v1::AppendResponse::STORED), kChunks);
  EXPECT_EQ(answers_.Count(v1::AppendResponse::GAP), 0);
}

TEST(ChunkSenderWithoutServerTest, WhatWaitsIsBoundedAndNamedAndGivenUpByClose) {
  const v1::TableSpec spec = MakeSpec("e", 0, 1, 1000);
  Answers answers;
  const auto channel = *MakeChannel("unix:/nonexistent/socket", {});
  ChunkSender sender(channel, {.max_unacked_bytes = 1000}, answers.Collect());
  absl::Status status;
  uint64_t step = 0;
  while (status.ok()) status = sender.Send(ShareChunk(spec, {.first_step = step++}));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_GE(sender.unacked_bytes(), 1000);
  EXPECT_LT(sender.unacked_bytes(), 1200);
  EXPECT_FALSE(sender.AwaitRoom(absl::Now() + absl::Milliseconds(1)));
  const absl::Status flushed = sender.Flush(absl::Now() + absl::Milliseconds(50));
  EXPECT_EQ(flushed.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(flushed.message()),
              HasSubstr(absl::StrCat(step - 1, " chunks of ", sender.unacked_bytes(),
                                     " bytes are without an answer")));
  EXPECT_EQ(sender.OpenStream(MakeKey(spec, 0), 1, Soon()).status().code(),
            absl::StatusCode::kUnavailable);
  sender.Close();
  EXPECT_EQ(sender.Flush(Soon()).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(sender.Send(ShareChunk(spec, {})).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(sender.AwaitRoom(Soon()));
  EXPECT_TRUE(answers.all().empty());
}

TEST(ChunkSenderWithoutServerTest, AChunkThatNoMessageCanCarryIsRefused) {
  ChunkSender sender(*MakeChannel("unix:/nonexistent/socket", {}), {},
                     [](const v1::AppendResponse&) {});
  auto chunk = std::make_shared<v1::Chunk>();
  chunk->mutable_observations()->resize(kMaxReplayMessageBytes);
  EXPECT_EQ(sender.Send(chunk).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(sender.unacked_bytes(), 0);
}

// With the last channel gRPC ends the threads that run callbacks. The end of a call, which one of
// them tells, must not leave the channel to it.
TEST(ChunkSenderWithoutServerTest, TheLastChannelOfAProcessMayGoWithItsSender) {
  for (int i = 0; i < 1000; ++i) {
    ChunkSender sender(*MakeChannel("unix:/nonexistent/socket", {}), {},
                       [](const v1::AppendResponse&) {});
    sender.Close();
  }
}

// Takes chunks and does not answer on the first call; answers a chunk that was never sent
// on the second; stores everything on the third.
class UnreliableService final : public v1::Replay::Service {
 public:
  grpc::Status Append(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::AppendResponse, v1::AppendRequest>* stream) override {
    const int call = ++calls_;
    v1::AppendRequest request;
    while (stream->Read(&request)) {
      if (call == 1) continue;
      v1::AppendResponse response;
      *response.mutable_key() = request.chunk().key();
      response.set_first_step(request.chunk().first_step() + (call == 2 ? 7 : 0));
      response.set_outcome(v1::AppendResponse::STORED);
      stream->Write(response);
    }
    return grpc::Status::OK;
  }

  int calls() const { return calls_; }

 private:
  std::atomic<int> calls_ = 0;
};

TEST(UnreliableServerTest, SilenceAndWrongAnswersEndTheConnectionButLoseNoChunk) {
  UnreliableService service;
  const auto server = *RpcServer::Start("127.0.0.1:0", {}, {&service});
  const v1::TableSpec spec = MakeSpec("e", 0, 1, 1000);
  Answers answers;
  ChunkSender sender(*MakeChannel(server->address(), {}),
                     {.answer_timeout = absl::Milliseconds(300)}, answers.Collect());
  for (uint64_t step = 0; step < 3; ++step) {
    ASSERT_EQ(sender.Send(ShareChunk(spec, {.first_step = step})), absl::OkStatus());
  }
  EXPECT_EQ(sender.Flush(Soon()), absl::OkStatus());
  EXPECT_GE(service.calls(), 3);
  EXPECT_EQ(answers.Count(v1::AppendResponse::STORED), 3);
  sender.Close();
}

// The first chunk finds no room. It is there again before the second one, which has a gap before
// it, is answered.
class SlowAnswersService final : public v1::Replay::Service {
 public:
  grpc::Status Append(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::AppendResponse, v1::AppendRequest>* stream) override {
    v1::AppendRequest first;
    v1::AppendRequest second;
    v1::AppendRequest again;
    if (!stream->Read(&first) || !stream->Read(&second)) return grpc::Status::OK;
    stream->Write(Answer(first, v1::AppendResponse::FULL));
    if (!stream->Read(&again)) return grpc::Status::OK;
    stream->Write(Answer(second, v1::AppendResponse::GAP));
    stream->Write(Answer(again, v1::AppendResponse::STORED));
    while (stream->Read(&again)) stream->Write(Answer(again, v1::AppendResponse::STORED));
    return grpc::Status::OK;
  }

 private:
  static v1::AppendResponse Answer(const v1::AppendRequest& request,
                                   v1::AppendResponse::Outcome outcome) {
    v1::AppendResponse response;
    *response.mutable_key() = request.chunk().key();
    response.set_first_step(request.chunk().first_step());
    response.set_outcome(outcome);
    return response;
  }
};

TEST(UnreliableServerTest, WhatWasOvertakenByASlowAnswerGoesOutAtOnce) {
  SlowAnswersService service;
  const auto server = *RpcServer::Start("127.0.0.1:0", {}, {&service});
  const v1::TableSpec spec = MakeSpec("e", 0, 1, 1000);
  Answers answers;
  // So long that nothing but the answer itself can be the reason.
  ChunkSender sender(*MakeChannel(server->address(), {}), {.answer_timeout = absl::Hours(1)},
                     answers.Collect());
  ASSERT_EQ(sender.Send(ShareChunk(spec, {.first_step = 0})), absl::OkStatus());
  ASSERT_EQ(sender.Send(ShareChunk(spec, {.first_step = 1})), absl::OkStatus());
  EXPECT_EQ(sender.Flush(Soon()), absl::OkStatus());
  EXPECT_EQ(answers.Count(v1::AppendResponse::STORED), 2);
  sender.Close();
}

TEST(UnreliableServerTest, AStopEndsAnOpeningThatNobodyAnswers) {
  const SilentReplay replay;
  const v1::StreamKey key = MakeKey(MakeSpec("e", 0, 1, 8), 0);
  ChunkSender sender(*MakeChannel(replay.address(), {}), {}, [](const v1::AppendResponse&) {});
  std::stop_source stop;
  std::jthread stopper([&] {
    Eventually([&replay] { return replay.asked() > 0; });
    stop.request_stop();
  });
  EXPECT_EQ(sender.OpenStream(key, 1, absl::InfiniteFuture(), stop.get_token()).status().code(),
            absl::StatusCode::kCancelled);
  // The server is not even asked once it is stopped.
  EXPECT_EQ(sender.OpenStream(key, 1, absl::InfiniteFuture(), stop.get_token()).status().code(),
            absl::StatusCode::kCancelled);
}

TEST(ChunkSenderThreadsTest, ManyThreadsSendAndAllIsAnswered) {
  ReplayServer server(uint64_t{64} << 20);
  const v1::TableSpec spec = MakeSpec("e", 0, 4, 1000);
  ASSERT_EQ(server.store().CreateTables({spec}), absl::OkStatus());
  Answers answers;
  ChunkSender sender(server.Connect(), {}, answers.Collect());
  std::vector<std::thread> threads;
  for (uint32_t stream = 0; stream < 4; ++stream) {
    threads.emplace_back([&, stream] {
      ASSERT_TRUE(sender.OpenStream(MakeKey(spec, stream), 1, Soon()).ok());
      for (uint64_t step = 0; step < 500; ++step) {
        ASSERT_EQ(sender.Send(ShareChunk(spec, {.stream = stream, .first_step = step})),
                  absl::OkStatus());
      }
      ASSERT_EQ(sender.Flush(Soon()), absl::OkStatus());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers.Count(v1::AppendResponse::STORED), 2000);
}

}  // namespace
}  // namespace sr2l
