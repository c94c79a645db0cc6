// Bytes that are no message, to every method: the server answers each call and goes on.
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/random/philox.h"
#include "replay/client/replay_client.h"
#include "tests/replay/chunks.h"
#include "tests/replay/replay_server.h"

namespace sr2l {
namespace {

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

// Sends `bytes` as one message on a call of `method` and returns how the call ended.
grpc::Status CallWithBytes(grpc::GenericStub& stub, const std::string& method,
                           const std::string& bytes) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
  grpc::CompletionQueue queue;
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return ok;
  };
  const auto call = stub.PrepareCall(&context, "/sr2l.v1.Replay/" + method, &queue);
  call->StartCall(nullptr);
  if (await()) {
    call->WriteLast(ToBuffer(bytes), grpc::WriteOptions(), nullptr);
    await();
    grpc::ByteBuffer answer;
    do {
      call->Read(&answer, nullptr);
    } while (await());
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  await();
  return status;
}

class HostileBytesTest : public ::testing::TestWithParam<const char*> {
 protected:
  HostileBytesTest() {
    EXPECT_EQ(client_.CreateTables({spec_}), absl::OkStatus());
    EXPECT_TRUE(server_.store().OpenStream(MakeKey(spec_, 0), 1).ok());
  }

  // The server still does its work.
  void ExpectServing() {
    const auto described = client_.DescribeTables("e");
    ASSERT_TRUE(described.ok()) << described.status();
    EXPECT_EQ(described->tables_size(), 1);
  }

  const v1::TableSpec spec_ = MakeSpec("e", 0, 1, 8);
  ReplayServer server_{uint64_t{64} << 20};
  ReplayClient client_{server_.Connect()};
  grpc::GenericStub stub_{server_.Connect()};
};

TEST_P(HostileBytesTest, RandomBytesAreAnswered) {
  const Philox random(7, Purpose::kJitter);
  for (uint64_t draw = 0; draw < 150; ++draw) {
    std::string bytes(static_cast<size_t>(300 * random.Uniform(draw, 0)), '\0');
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(256 * random.Uniform(draw, i + 1));
    }
    const grpc::Status status = CallWithBytes(stub_, GetParam(), bytes);
    EXPECT_NE(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  }
  ExpectServing();
}

TEST_P(HostileBytesTest, TruncatedChunksAreAnswered) {
  v1::AppendRequest request;
  *request.mutable_chunk() = MakeChunk(spec_, {.num_steps = 6, .ends = {2}});
  const std::string whole = request.SerializeAsString();
  for (size_t size = 0; size < whole.size(); size += 3) {
    const grpc::Status status = CallWithBytes(stub_, GetParam(), whole.substr(0, size));
    EXPECT_NE(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  }
  ExpectServing();
}

INSTANTIATE_TEST_SUITE_P(EveryMethod, HostileBytesTest,
                         ::testing::Values("CreateTables", "ReadRound", "ReleaseRounds",
                                           "DropExperiment", "OpenStream", "Append",
                                           "DescribeTables", "NoSuchMethod"),
                         [](const auto& info) { return std::string(info.param); });

TEST(UndecodableChunkTest, EndsItsStreamWithATypedErrorAndIsCounted) {
  ReplayServer server(uint64_t{64} << 20);
  grpc::GenericStub stub(server.Connect());
  const grpc::Status status = CallWithBytes(stub, "Append", "\xff\xff\xff");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(server.metrics().chunks_undecodable.Value(), 1);
}

}  // namespace
}  // namespace sr2l
