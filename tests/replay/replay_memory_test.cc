// How much memory the program sr2l-replay takes for peers that are alive but take nothing.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/replay.grpc.pb.h"
#include "tests/common/keep_callback_threads.h"
#include "tests/replay/chunks.h"
#include "tests/replay/replay_process.h"

namespace sr2l {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint32_t kSteps = 500;    // of a chunk, which has about 830 kB
constexpr uint32_t kStreams = 24;   // a round has 20 MB
constexpr uint32_t kDraws = 25000;  // 20 MB
constexpr int kPeers = 12;
// For all stuck peers: a few messages for each. What they ask for, or send, is far more.
constexpr uint64_t kMostGrowth = 100 * kMiB;
constexpr uint64_t kFlood = 400 * kMiB;
#ifdef __SANITIZE_THREAD__  // which takes several bytes for one, of every call
constexpr uint64_t kMostGrowthOfCalls = 300 * kMiB;
#else
constexpr uint64_t kMostGrowthOfCalls = 100 * kMiB;
#endif

// AddressSanitizer keeps what was freed, 256 MiB of it, and gives pages back every five seconds,
// unless it is told otherwise. (A flood of calls leaves some 40 MB of such pages.)
void KeepLittleOfWhatIsFreed() {
  const char* const options = std::getenv("ASAN_OPTIONS");
  setenv("ASAN_OPTIONS",
         absl::StrCat(options == nullptr ? "" : options,
                      ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
                      ":allocator_release_to_os_interval_ms=0")
             .c_str(),
         /*overwrite=*/1);
}

class ReplayMemoryTest : public ::testing::Test {
 protected:
  ReplayMemoryTest() {
    KeepCallbackThreads();
    KeepLittleOfWhatIsFreed();
    std::string folder = ::testing::TempDir() + "sr2l-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    sampled_.set_capacity(1024);
    for (v1::TableSpec* const spec : {&rounds_, &sampled_}) spec->set_observation_dim(400);
    sampled_.set_observation_dim(100);
    replay_ = std::make_unique<ReplayProcess>(std::vector<std::string>{"--listen", address()},
                                              folder_ + "/stderr");
    replay_->Start();
    stub_ = Connect();
    Fill();
  }
  ~ReplayMemoryTest() override {
    replay_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string address() const { return "unix:" + folder_ + "/replay"; }
  std::unique_ptr<v1::Replay::Stub> Connect() const {
    return v1::Replay::NewStub(*MakeChannel(address(), {}));
  }

  static void Prepare(grpc::ClientContext& context) {
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(1)));
  }

  // Stores a round, and transitions to draw from.
  void Fill() {
    v1::CreateTablesRequest create;
    *create.add_tables() = rounds_;
    *create.add_tables() = sampled_;
    v1::CreateTablesResponse created;
    grpc::ClientContext context;
    Prepare(context);
    const grpc::Status status = stub_->CreateTables(&context, create, &created);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (uint32_t stream = 0; stream < kStreams; ++stream) Store(rounds_, stream);
    Store(sampled_, 0);
  }
  void Store(const v1::TableSpec& spec, uint32_t stream) {
    v1::OpenStreamRequest open;
    *open.mutable_key() = MakeKey(spec, stream);
    open.set_lease_epoch(1);
    v1::OpenStreamResponse opened;
    grpc::ClientContext open_context;
    Prepare(open_context);
    ASSERT_TRUE(stub_->OpenStream(&open_context, open, &opened).ok());
    grpc::ClientContext context;
    Prepare(context);
    const auto call = stub_->Append(&context);
    v1::AppendRequest request;
    *request.mutable_chunk() = MakeChunk(spec, {.stream = stream, .num_steps = kSteps});
    v1::AppendResponse answer;
    ASSERT_TRUE(call->Write(request) && call->Read(&answer));
    EXPECT_EQ(answer.outcome(), v1::AppendResponse::STORED) << answer.message();
    call->WritesDone();
    EXPECT_TRUE(call->Finish().ok());
  }

  v1::ReadRoundRequest RoundRequest() const {
    v1::ReadRoundRequest request;
    request.set_experiment_id("e");
    request.add_members(0);
    request.set_max_wait_seconds(10);
    return request;
  }
  v1::SampleRequest SampleRequest() const {
    v1::SampleRequest request;
    request.set_experiment_id("e");
    request.add_members()->set_member(1);
    request.set_up_to_step(kSteps);
    request.set_num_draws(kDraws);
    request.set_max_wait_seconds(10);
    return request;
  }

  // Memory of the program in use, bytes.
  uint64_t Resident() const {
    std::ifstream file(absl::StrCat("/proc/", replay_->pid(), "/statm"));
    uint64_t pages = 0;
    file >> pages >> pages;
    return pages * static_cast<uint64_t>(getpagesize());
  }

  template <typename Reader, typename Response>
  static int Take(Reader& reader, Response& response, uint64_t& bytes) {
    int parts = 0;
    for (; reader.Read(&response); ++parts) bytes += response.ByteSizeLong();
    EXPECT_TRUE(reader.Finish().ok());
    return parts;
  }

  // Another peer takes a round and a sample whole.
  void ExpectOthersAreServed() {
    uint64_t bytes = 0;
    grpc::ClientContext round_context;
    Prepare(round_context);
    v1::ReadRoundResponse chunk;
    EXPECT_EQ(Take(*stub_->ReadRound(&round_context, RoundRequest()), chunk, bytes), kStreams);
    EXPECT_GT(bytes, 15 * kMiB);
    bytes = 0;
    grpc::ClientContext sample_context;
    Prepare(sample_context);
    v1::SampleResponse part;
    Take(*stub_->Sample(&sample_context, SampleRequest()), part, bytes);
    EXPECT_GT(bytes, 15 * kMiB);
  }

  std::string folder_;
  v1::TableSpec rounds_ = MakeSpec("e", 0, kStreams, kSteps);
  v1::TableSpec sampled_ = MakeSpec("e", 1, 1, kSteps);
  std::unique_ptr<ReplayProcess> replay_;
  std::unique_ptr<v1::Replay::Stub> stub_;
};

TEST_F(ReplayMemoryTest, ReadersThatTakeNothingHoldLittleOfWhatTheyAskedFor) {
  ExpectOthersAreServed();
  const uint64_t before = Resident();
  std::list<grpc::ClientContext> contexts;
  std::vector<std::unique_ptr<v1::Replay::Stub>> stubs;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ReadRoundResponse>>> rounds;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::SampleResponse>>> samples;
  for (int i = 0; i < kPeers; ++i) {
    stubs.push_back(Connect());
    Prepare(contexts.emplace_back());
    rounds.push_back(stubs.back()->ReadRound(&contexts.back(), RoundRequest()));
    Prepare(contexts.emplace_back());
    samples.push_back(stubs.back()->Sample(&contexts.back(), SampleRequest()));
  }
  // Each has got its beginning, and is where it is stuck soon after.
  for (int i = 0; i < kPeers; ++i) {
    rounds[i]->WaitForInitialMetadata();
    samples[i]->WaitForInitialMetadata();
  }
  for (int i = 0; i < 3; ++i) ExpectOthersAreServed();
  EXPECT_LT(Resident(), before + kMostGrowth);
  for (grpc::ClientContext& context : contexts) context.TryCancel();
  for (const auto& call : rounds) call->Finish();
  for (const auto& call : samples) call->Finish();
  ExpectOthersAreServed();
}

TEST_F(ReplayMemoryTest, ASenderThatTakesNoAnswersIsHeldToLittle) {
  ExpectOthersAreServed();
  const uint64_t before = Resident();
  v1::AppendRequest request;
  *request.mutable_chunk() = MakeChunk(rounds_, {.num_steps = kSteps});
  const uint64_t request_bytes = request.ByteSizeLong();
  const auto stub = Connect();
  grpc::ClientContext context;
  Prepare(context);
  const auto call = stub->Append(&context);
  std::atomic<uint64_t> sent = 0;
  std::jthread writer([&] {
    while (call->Write(request)) sent += request_bytes;
  });
  const absl::Cleanup cancel = [&context] { context.TryCancel(); };  // before the writer is joined
  // The flood is taken, and answered, as long as there is room for answers on their way.
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (sent < kFlood && absl::Now() < end) {
    ASSERT_LT(Resident(), before + kMostGrowth) << sent << " bytes sent";
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_GE(sent, kFlood);
  ExpectOthersAreServed();
  EXPECT_LT(Resident(), before + kMostGrowth);
}

// Calls of one connection that send without end and take no answers.
class Flood {
 public:
  Flood(std::unique_ptr<v1::Replay::Stub> stub, int num_calls, const v1::AppendRequest& request)
      : stub_(std::move(stub)), request_(request) {
    for (int i = 0; i < num_calls; ++i) {
      Call& call = calls_.emplace_back();
      call.stream = stub_->PrepareAsyncAppend(&call.context, &queue_);
      call.stream->StartCall(&call);
    }
    writer_ = std::thread([this] { Write(); });
  }
  ~Flood() {
    for (Call& call : calls_) call.context.TryCancel();
    {
      const std::lock_guard lock(mu_);
      stopped_ = true;
      queue_.Shutdown();  // ends with what is under way, once nothing more begins
    }
    writer_.join();
  }
  uint64_t sent() const { return sent_; }  // bytes

 private:
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::AppendRequest, v1::AppendResponse>> stream;
  };

  void Write() {
    const uint64_t bytes = request_.ByteSizeLong();
    void* tag = nullptr;
    bool went_well = false;
    while (queue_.Next(&tag, &went_well)) {
      const std::lock_guard lock(mu_);
      if (!went_well || stopped_) continue;
      static_cast<Call*>(tag)->stream->Write(request_, tag);
      sent_ += bytes;
    }
  }

  const std::unique_ptr<v1::Replay::Stub> stub_;
  const v1::AppendRequest& request_;
  grpc::CompletionQueue queue_;
  std::list<Call> calls_;
  std::atomic<uint64_t> sent_ = 0;
  std::mutex mu_;
  bool stopped_ = false;
  std::thread writer_;
};

TEST_F(ReplayMemoryTest, AFloodOfManyCallsOverManyConnectionsHoldsLittleAndOthersAreServed) {
  ExpectOthersAreServed();
  const uint64_t before = Resident();
  v1::AppendRequest request;
  *request.mutable_chunk() = MakeChunk(rounds_, {.num_steps = 60});
  std::list<Flood> floods;
  for (int i = 0; i < kPeers; ++i) floods.emplace_back(Connect(), 100, request);
  const absl::Time end = absl::Now() + absl::Seconds(60);
  uint64_t sent = 0;
  while (sent < kFlood && absl::Now() < end) {
    sent = 0;
    for (const Flood& flood : floods) sent += flood.sent();
    ASSERT_LT(Resident(), before + kMostGrowthOfCalls) << sent << " bytes sent";
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_GE(sent, kFlood);
  ExpectOthersAreServed();
  EXPECT_LT(Resident(), before + kMostGrowthOfCalls);
}

}  // namespace
}  // namespace sr2l
