// Answers of many messages, from a server that takes its time: they may take long as a whole, but
// no silence may.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "replay/client/replay_client.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Milliseconds(800);

// Sends messages numbered from 0, each after a pause; after `count` it ends the call or is silent
// until the call is cancelled.
class SlowReplay final : public v1::Replay::Service {
 public:
  std::atomic<int> count = 0;
  absl::Duration pause;
  std::atomic<bool> silent_then = false;
  grpc::Status status;

 private:
  grpc::Status ReadRound(grpc::ServerContext* context, const v1::ReadRoundRequest* /*request*/,
                         grpc::ServerWriter<v1::ReadRoundResponse>* writer) override {
    for (int i = 0; i < count; ++i) {
      absl::SleepFor(pause);
      v1::ReadRoundResponse response;
      response.mutable_chunk()->set_first_step(i);
      writer->Write(response);
    }
    return End(*context);
  }

  grpc::Status Sample(grpc::ServerContext* context, const v1::SampleRequest* /*request*/,
                      grpc::ServerWriter<v1::SampleResponse>* writer) override {
    for (int i = 0; i < count; ++i) {
      absl::SleepFor(pause);
      v1::SampleResponse response;
      response.mutable_rows()->set_first_draw(i);
      writer->Write(response);
    }
    return End(*context);
  }

  grpc::Status End(const grpc::ServerContext& context) const {
    while (silent_then && !context.IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return status;
  }
};

class SlowAnswerTest : public ::testing::Test {
 protected:
  SlowAnswerTest() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    client_ = std::make_unique<ReplayClient>(*MakeChannel(address_, {}), kPatience);
  }

  absl::Status ReadRound(absl::Duration max_wait = absl::ZeroDuration(),
                         const std::stop_token& stop = {}) {
    const auto chunks = client_->ReadRound("e", {0}, 0, max_wait, stop);
    if (!chunks.ok()) return chunks.status();
    for (const v1::Chunk& chunk : *chunks) numbers_.push_back(chunk.first_step());
    return absl::OkStatus();
  }

  absl::Status Sample(const std::stop_token& stop = {}) {
    return client_->Sample(
        {},
        [this](const v1::SampleResponse& part) {
          numbers_.push_back(part.rows().first_draw());
          return absl::OkStatus();
        },
        stop);
  }

  TemporaryFolder folder_;
  const std::string address_ = "unix:" + (folder_ / "replay");
  SlowReplay service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ReplayClient> client_;
  std::vector<uint64_t> numbers_;
};

TEST_F(SlowAnswerTest, AnAnswerMayTakeLongerThanAnyOfItsMessages) {
  service_.count = 5;
  service_.pause = kPatience / 4;
  EXPECT_EQ(ReadRound(), absl::OkStatus());
  EXPECT_THAT(numbers_, ElementsAre(0, 1, 2, 3, 4));
  numbers_.clear();
  EXPECT_EQ(Sample(), absl::OkStatus());
  EXPECT_THAT(numbers_, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(SlowAnswerTest, TheFirstMessageMayTakeTheWaitThatWasAskedForAsWell) {
  service_.count = 1;
  service_.pause = kPatience * 1.25;
  EXPECT_EQ(ReadRound(/*max_wait=*/kPatience), absl::OkStatus());
  EXPECT_THAT(numbers_, ElementsAre(0));
}

// Unavailable, not DeadlineExceeded: that one says that steps are missing.
TEST_F(SlowAnswerTest, SilenceIsAServerThatCannotBeReached) {
  service_.silent_then = true;
  for (service_.count = 0; service_.count < 3; ++service_.count) {
    for (const absl::Status& status : {ReadRound(), Sample()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
      EXPECT_THAT(status.message(), HasSubstr("nothing for 800ms"));
    }
  }
}

TEST_F(SlowAnswerTest, TheServersOwnErrorIsTold) {
  service_.status = grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "stream 7 is missing");
  for (service_.count = 0; service_.count < 2; ++service_.count) {
    for (const absl::Status& status : {ReadRound(), Sample()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
      EXPECT_THAT(status.message(), HasSubstr("stream 7 is missing"));
    }
  }
}

TEST_F(SlowAnswerTest, AStopEndsTheCallAtOnce) {
  service_.count = 1;
  service_.silent_then = true;
  const std::vector<std::function<absl::Status(std::stop_token)>> calls = {
      [this](const std::stop_token& stop) { return ReadRound(absl::Seconds(60), stop); },
      [this](const std::stop_token& stop) { return Sample(stop); }};
  for (const auto& call : calls) {
    std::stop_source stop;
    std::jthread stopper([&stop] {
      absl::SleepFor(absl::Milliseconds(50));
      stop.request_stop();
    });
    EXPECT_EQ(call(stop.get_token()), absl::CancelledError("stopped"));
    // Nor does a call begin after it.
    EXPECT_EQ(call(stop.get_token()), absl::CancelledError("stopped"));
  }
}

TEST_F(SlowAnswerTest, NoServerIsToldAtOnce) {
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
  server_.reset();
  for (const absl::Status& status : {ReadRound(), Sample()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(status.message(), Not(HasSubstr("nothing for")));
  }
}

TEST_F(SlowAnswerTest, WhoTakesThePartsMayEndTheCall) {
  service_.count = 3;
  service_.silent_then = true;
  int parts = 0;
  const absl::Status status = client_->Sample({}, [&parts](const v1::SampleResponse& /*part*/) {
    return ++parts < 2 ? absl::OkStatus() : absl::InternalError("enough");
  });
  EXPECT_EQ(status, absl::InternalError("enough"));
  EXPECT_EQ(parts, 2);
}

}  // namespace
}  // namespace sr2l
