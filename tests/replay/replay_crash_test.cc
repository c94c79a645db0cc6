// The program sr2l-replay, killed while chunks stream in.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/replay.grpc.pb.h"
#include "tests/replay/chunks.h"
#include "tests/replay/log_folder.h"

namespace sr2l {
namespace {

constexpr uint32_t kSteps = 4;  // of a chunk

class ReplayCrashTest : public ::testing::TestWithParam<const char*> {
 protected:
  ~ReplayCrashTest() override {
    if (child_ > 0) Kill();
  }

  void Start() {
    const std::string program = std::string(getenv("SR2L_BIN")) + "/sr2l-replay";
    std::vector<std::string> arguments = {program,      "--listen", address(),    "--log",
                                          folder_.path(), "--log-sync", GetParam()};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = fork();
    if (child_ == 0) {
      execv(program.c_str(), argv.data());
      _exit(127);
    }
    stub_ = v1::Replay::NewStub(*MakeChannel(address(), {}));
  }

  void Kill() {
    EXPECT_EQ(kill(child_, SIGKILL), 0);
    EXPECT_EQ(waitpid(child_, nullptr, 0), child_);
    child_ = -1;
  }

  static void Prepare(grpc::ClientContext& context) {
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  }

  v1::OpenStreamResponse Open(uint64_t epoch) {
    v1::OpenStreamRequest request;
    *request.mutable_key() = MakeKey(spec_, 0);
    request.set_lease_epoch(epoch);
    v1::OpenStreamResponse response;
    grpc::ClientContext context;
    Prepare(context);
    const grpc::Status status = stub_->OpenStream(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  void Create() {
    v1::CreateTablesRequest request;
    *request.add_tables() = spec_;
    v1::CreateTablesResponse response;
    grpc::ClientContext context;
    Prepare(context);
    const grpc::Status status = stub_->CreateTables(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  v1::AppendRequest Request(uint64_t first_step, uint64_t epoch) const {
    v1::AppendRequest request;
    *request.mutable_chunk() =
        MakeChunk(spec_, {.first_step = first_step, .num_steps = kSteps, .epoch = epoch});
    return request;
  }

  // Streams chunks from `step` on, kills the server after `acks` answers while more chunks are
  // on their way, and returns the first step that was not acknowledged.
  uint64_t StreamAndKill(uint64_t step, uint64_t epoch, int acks) {
    grpc::ClientContext context;
    Prepare(context);
    const auto call = stub_->Append(&context);
    constexpr int kAhead = 16;
    for (int i = 0; i < kAhead; ++i) call->Write(Request(step + i * kSteps, epoch));
    uint64_t acked = step;
    v1::AppendResponse response;
    for (int i = 0; i < acks && call->Read(&response); ++i) {
      EXPECT_EQ(response.outcome(), v1::AppendResponse::STORED) << response.message();
      EXPECT_EQ(response.durability(), Durability());
      acked = response.next_step();
      call->Write(Request(step + (kAhead + i) * kSteps, epoch));
    }
    Kill();
    while (call->Read(&response)) acked = response.next_step();
    call->Finish();
    return acked;
  }

  static v1::AppendResponse::Durability Durability() {
    return std::string(GetParam()) == "commit" ? v1::AppendResponse::SYNCED
                                               : v1::AppendResponse::WRITTEN;
  }

  std::string address() const { return "unix:" + folder_.root() + "/socket"; }

  const v1::TableSpec spec_ = MakeSpec("e", 0, 1, 8);
  const LogFolder folder_;
  pid_t child_ = -1;
  std::unique_ptr<v1::Replay::Stub> stub_;
};

TEST_P(ReplayCrashTest, EveryAcknowledgedStepIsThereOnceAfterSigkill) {
  std::mt19937 random(7);
  Start();
  Create();
  uint64_t next_step = 0;
  for (uint64_t epoch = 1; epoch <= 4; ++epoch) {
    EXPECT_EQ(Open(epoch).next_step(), next_step);
    const uint64_t acked =
        StreamAndKill(next_step, epoch, std::uniform_int_distribution<int>(1, 40)(random));
    Start();
    const v1::OpenStreamResponse opened = Open(epoch);
    EXPECT_GE(opened.next_step(), acked);
    v1::ResumeToken token;
    ASSERT_TRUE(token.ParseFromString(opened.resume_token()));
    EXPECT_EQ(token.next_step(), opened.next_step());

    grpc::ClientContext context;
    Prepare(context);
    const auto call = stub_->Append(&context);
    for (uint64_t step = next_step; step < opened.next_step(); step += kSteps) {
      v1::AppendResponse response;
      ASSERT_TRUE(call->Write(Request(step, epoch)) && call->Read(&response));
      EXPECT_EQ(response.outcome(), v1::AppendResponse::DUPLICATE);
      EXPECT_EQ(response.durability(), Durability());
    }
    call->WritesDone();
    EXPECT_TRUE(call->Finish().ok());
    next_step = opened.next_step();
  }
  Kill();
  const auto log = folder_.Open();
  ASSERT_TRUE(log.ok()) << log.status();
  const auto chunks = (*log)->Read({{"e", 0}, 0}, 0, next_step);
  ASSERT_EQ(chunks->size(), next_step / kSteps);
  for (size_t i = 0; i < chunks->size(); ++i) {
    const uint64_t first_step = i * kSteps;
    const v1::Chunk expected = MakeChunk(
        spec_,
        {.first_step = first_step, .num_steps = kSteps, .epoch = (*chunks)[i]->lease_epoch()});
    EXPECT_EQ((*chunks)[i]->SerializeAsString(), expected.SerializeAsString());
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, ReplayCrashTest, ::testing::Values("commit", "interval", "none"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace sr2l
