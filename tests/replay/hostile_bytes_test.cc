// Bytes that are no request, to every method: the server answers each call and goes on.
#include <gtest/gtest.h>

#include <string>

#include "replay/client/replay_client.h"
#include "tests/common/hostile_calls.h"
#include "tests/replay/chunks.h"
#include "tests/replay/replay_server.h"

namespace sr2l {
namespace {

class HostileBytesTest : public ::testing::TestWithParam<RpcMethod> {
 protected:
  // One round is stored, so that reading it needs no wait.
  HostileBytesTest() {
    const v1::TableSpec spec = MakeSpec("e", 0, 1, 8);
    EXPECT_EQ(client_.CreateTables({spec}), absl::OkStatus());
    EXPECT_TRUE(server_.store().OpenStream(MakeKey(spec, 0), 1).ok());
    EXPECT_EQ(server_.store().Append(ShareChunk(spec, {.num_steps = 8}), absl::UnixEpoch())->outcome,
              v1::AppendResponse::STORED);
  }

  ReplayServer server_{uint64_t{64} << 20};
  ReplayClient client_{server_.Connect()};
};

TEST_P(HostileBytesTest, EveryCallIsAnsweredAndTheServerStillServes) {
  SendHostileBytes(server_.Connect(), GetParam());
  ASSERT_EQ(client_.CreateTables({MakeSpec("after", 0, 1, 8)}), absl::OkStatus());
  const auto described = client_.DescribeTables("after");
  ASSERT_TRUE(described.ok()) << described.status();
  EXPECT_EQ(described->tables_size(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    EveryMethod, HostileBytesTest,
    ::testing::ValuesIn(MethodsOf(*v1::Chunk::descriptor()->file()->service(0), "e")),
    [](const auto& info) { return MethodName(info.param); });

TEST(UnknownMethodTest, IsAnsweredAsSuch) {
  ReplayServer server(uint64_t{64} << 20);
  grpc::GenericStub stub(server.Connect());
  EXPECT_EQ(CallWithBytes(stub, "/sr2l.v1.Replay/NoSuchMethod", "\x01", false).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST(UndecodableChunkTest, EndsItsStreamWithATypedErrorAndIsCounted) {
  ReplayServer server(uint64_t{64} << 20);
  grpc::GenericStub stub(server.Connect());
  const grpc::Status status =
      CallWithBytes(stub, "/sr2l.v1.Replay/Append", "\xff\xff\xff", false);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(server.metrics().chunks_undecodable.Value(), 1);
}

}  // namespace
}  // namespace sr2l
