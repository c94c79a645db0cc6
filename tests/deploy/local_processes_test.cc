// The three programs as `sr2l train` starts them.
#include "deploy/cli/local_processes.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/replay.grpc.pb.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
}

// The answer to a gRPC health check of the whole server, as bytes.
absl::StatusOr<std::string> CheckHealth(const std::string& address) {
  grpc::GenericStub stub(MakeChannel(address, {}).value());
  grpc::ClientContext context;
  SetDeadline(context);
  const grpc::Slice everything;
  const grpc::ByteBuffer sent(&everything, 1);
  grpc::ByteBuffer received;
  absl::Notification finished;
  absl::Status status;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &sent,
                 &received, [&](const grpc::Status& answer) {
                   status = FromGrpcStatus(answer);
                   finished.Notify();
                 });
  finished.WaitForNotification();
  if (!status.ok()) return status;
  grpc::Slice bytes;
  EXPECT_TRUE(received.DumpToSingleSlice(&bytes).ok());
  return std::string(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

class LocalProcessesTest : public ::testing::Test {
 protected:
  LocalProcesses::Options Options() const {
    return {.binaries = std::filesystem::path(Binary("sr2l-actor")).parent_path(),
            .num_actors = 2,
            .metrics = true};  // so that Start awaits the actors as well
  }

  TemporaryFolder parent_;
  RunFolder folder_ = RunFolder::Create(parent_ / "run").value();
  std::unique_ptr<Interrupts> interrupts_ = Interrupts::Create().value();
  WakeUp wake_up_;
  Supervisor supervisor_{*interrupts_, wake_up_, {.notice = [](const std::string&) {}}};
};

TEST_F(LocalProcessesTest, EveryProcessAnswersAHealthCheckAtItsSocket) {
  LocalProcesses processes(folder_, Options(), supervisor_);
  const absl::Status started = processes.Start();
  ASSERT_TRUE(started.ok()) << started;
  for (const char* process : {"replay", "learner", "actor-0", "actor-1"}) {
    const auto listening = ReadAddress(folder_.AddressFile(process), "listen");
    ASSERT_TRUE(listening.ok()) << listening.status();
    EXPECT_EQ(*listening, folder_.SocketAddress(process));
    const auto answer = CheckHealth(*listening);
    ASSERT_TRUE(answer.ok()) << process << ": " << answer.status();
    EXPECT_EQ(*answer, "\x08\x01") << process;  // field 1, status: SERVING
  }
  processes.Stop();
  EXPECT_EQ(supervisor_.num_running(), 0);
}

TEST_F(LocalProcessesTest, TheReplayGetsTheMemoryThatWasAskedForOrItsOwnDefault) {
  for (const uint64_t memory_mib : {uint64_t{17}, uint64_t{0}}) {
    const RunFolder folder =
        RunFolder::Create(parent_ / ("memory-" + std::to_string(memory_mib))).value();
    LocalProcesses::Options options = Options();
    options.num_actors = 1;
    options.replay_memory_mib = memory_mib;
    LocalProcesses processes(folder, options, supervisor_);
    const absl::Status started = processes.Start();
    ASSERT_TRUE(started.ok()) << started;
    const auto stub = v1::Replay::NewStub(*MakeChannel(folder.SocketAddress("replay"), {}));
    grpc::ClientContext context;
    SetDeadline(context);
    v1::DescribeTablesResponse description;
    ASSERT_TRUE(stub->DescribeTables(&context, {}, &description).ok());
    EXPECT_EQ(description.byte_budget() >> 20, memory_mib > 0 ? memory_mib : 2048);
    processes.Stop();
  }
}

}  // namespace
}  // namespace sr2l
