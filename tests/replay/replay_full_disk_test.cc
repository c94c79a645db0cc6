// The program sr2l-replay on a disk that is full.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "replay/core/audit_log.h"
#include "sr2l/v1/replay.grpc.pb.h"
#include "tests/common/keep_callback_threads.h"
#include "tests/replay/chunks.h"
#include "tests/replay/log_folder.h"
#include "tests/replay/replay_process.h"
#include "tests/replay/small_disk.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint32_t kSteps = 500;  // of a chunk

[[maybe_unused]] const bool kAsked = (SmallDisk::AllowMounts(), true);  // while there is one thread

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The answer to GET /metrics of a server on this machine; empty: none.
std::string FetchMetrics(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port)) return "";
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<uint16_t>(port));
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  std::string answer;
  if (connect(connection, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0 &&
      send(connection, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char part[4096];
    for (ssize_t size; (size = recv(connection, part, sizeof(part), 0)) > 0;) {
      answer.append(part, static_cast<size_t>(size));
    }
  }
  close(connection);
  return answer;
}

class ReplayFullDiskTest : public ::testing::TestWithParam<const char*> {
 protected:
  ReplayFullDiskTest()
      : root_(home_.root()),
        disk_(root_ + "/disk", 128 * kMiB),
        replay_({"--listen", address(), "--log", folder(), "--log-sync", GetParam(), "--metrics",
                 "127.0.0.1:0", "--address-file", root_ + "/address"},
                root_ + "/stderr") {
    KeepCallbackThreads();
    spec_.set_observation_dim(200);
  }
  ~ReplayFullDiskTest() override {
    if (replay_.Runs()) replay_.Kill();
  }

  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "no disk can be mounted here: " << disk_.error();
    Start();
    v1::CreateTablesRequest request;
    *request.add_tables() = spec_;
    v1::CreateTablesResponse response;
    grpc::ClientContext context;
    Prepare(context);
    const grpc::Status status = stub_->CreateTables(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  std::string address() const { return "unix:" + root_ + "/socket"; }
  std::string folder() const { return root_ + "/disk/log"; }

  void Start() {
    std::filesystem::remove(root_ + "/address");
    replay_.Start();
    stub_ = v1::Replay::NewStub(*MakeChannel(address(), {}));
  }

  // Until it serves, or has ended. The file is written once it serves.
  bool AwaitServing() {
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    while (absl::Now() < deadline && replay_.Runs()) {
      if (std::filesystem::exists(root_ + "/address")) return true;
    }
    return false;
  }

  static void Prepare(grpc::ClientContext& context) {
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  }

  grpc::Status Open(uint64_t epoch, v1::OpenStreamResponse& response) {
    v1::OpenStreamRequest request;
    *request.mutable_key() = MakeKey(spec_, 0);
    request.set_lease_epoch(epoch);
    grpc::ClientContext context;
    Prepare(context);
    return stub_->OpenStream(&context, request, &response);
  }

  // Sends chunks from `step` on, one by one, until one is answered otherwise or all were sent.
  // The last answer.
  v1::AppendResponse Append(uint64_t step, int chunks) {
    grpc::ClientContext context;
    Prepare(context);
    const auto call = stub_->Append(&context);
    v1::AppendResponse response;
    for (int i = 0; i < chunks; ++i, step += kSteps) {
      v1::AppendRequest request;
      *request.mutable_chunk() = MakeChunk(spec_, {.first_step = step, .num_steps = kSteps});
      if (!call->Write(request) || !call->Read(&response)) return {};
      const bool taken = response.outcome() == v1::AppendResponse::STORED ||
                         response.outcome() == v1::AppendResponse::DUPLICATE;
      if (!taken) break;
      acked_ = response.next_step();
    }
    call->WritesDone();
    call->Finish();
    return response;
  }

  std::string Metrics() {
    const std::string addresses = ReadText(root_ + "/address");
    const size_t begin = addresses.find("metrics=");
    if (begin == std::string::npos) return "no metrics";
    return FetchMetrics(addresses.substr(begin, addresses.find('\n', begin) - begin));
  }

  // The text with which a wait for a round ends that is not there.
  std::string ReadMissingRound() {
    v1::ReadRoundRequest request;
    request.set_experiment_id("e");
    request.add_members(0);
    request.set_round(1'000'000);
    grpc::ClientContext context;
    Prepare(context);
    const auto reader = stub_->ReadRound(&context, request);
    v1::ReadRoundResponse response;
    EXPECT_FALSE(reader->Read(&response));
    return reader->Finish().error_message();
  }

  v1::TableSpec spec_ = MakeSpec("e", 0, 1, kSteps);
  const LogFolder home_;
  const std::string root_;
  SmallDisk disk_;
  ReplayProcess replay_;
  std::unique_ptr<v1::Replay::Stub> stub_;
  uint64_t acked_ = 0;  // every step before it was acknowledged
};

TEST_P(ReplayFullDiskTest, SaysSoSurvivesSigkillAndGoesOnWhenThereIsRoom) {
  v1::OpenStreamResponse opened;
  ASSERT_TRUE(Open(1, opened).ok());
  ASSERT_TRUE(AwaitServing());
  EXPECT_EQ(Append(0, 3).outcome(), v1::AppendResponse::STORED);
  EXPECT_THAT(Metrics(), HasSubstr("\nsr2l_replay_log_full 0\n"));
  disk_.LeaveRoom(3 * kMiB);
  const v1::AppendResponse refused = Append(acked_, 1000);
  EXPECT_EQ(refused.outcome(), v1::AppendResponse::FULL);
  EXPECT_THAT(refused.message(), HasSubstr("the disk of the log is full"));
  EXPECT_GT(refused.retry_after_seconds(), 0);
  // The log drops what it wrote in vain, which may leave room for a few chunks more.
  const absl::Time patience = absl::Now() + absl::Seconds(60);
  while (!absl::StrContains(Metrics(), "\nsr2l_replay_log_full 1\n") ||
         !absl::StrContains(ReadMissingRound(), "has a log in trouble: the disk of the log is full")) {
    ASSERT_LT(absl::Now(), patience);
    disk_.LeaveRoom(0);
    EXPECT_EQ(Append(acked_, 1000).outcome(), v1::AppendResponse::FULL);
  }
  EXPECT_THAT(ReadText(root_ + "/stderr"), HasSubstr("the log takes no more"));

  replay_.Kill();
  Start();
  if (!AwaitServing()) {
    EXPECT_EQ(replay_.exit_code(), 1);
    EXPECT_THAT(ReadText(root_ + "/stderr"), HasSubstr("No space left on device"));
    disk_.MakeRoom();
    Start();
  }
  // What was acknowledged is there, and taken as a duplicate, once a lease can be opened, which
  // is a write itself.
  disk_.MakeRoom();
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (!Open(1, opened).ok()) ASSERT_LT(absl::Now(), deadline);
  EXPECT_GE(opened.next_step(), acked_);
  EXPECT_EQ(Append(0, 1).outcome(), v1::AppendResponse::DUPLICATE);
  const uint64_t stored = opened.next_step();

  // Full again, and room again under the same process.
  disk_.LeaveRoom(kMiB);
  EXPECT_EQ(Append(stored, 1000).outcome(), v1::AppendResponse::FULL);
  disk_.MakeRoom();
  while (Append(acked_, 1).outcome() != v1::AppendResponse::STORED) {
    ASSERT_LT(absl::Now(), deadline);
  }
  EXPECT_THAT(Metrics(), HasSubstr("\nsr2l_replay_log_full 0\n"));
  EXPECT_THAT(Metrics(), HasSubstr("\nsr2l_replay_log_errors_total 0\n"));
  EXPECT_EQ(replay_.Terminate(), 0);
  const auto audited = AuditLog(folder());
  ASSERT_TRUE(audited.ok()) << audited.status();
  EXPECT_EQ(audited->at(0).scan.steps, acked_);
  EXPECT_THAT(audited->at(0).scan.damage, ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Modes, ReplayFullDiskTest,
                         ::testing::Values("commit", "interval", "none"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace sr2l
