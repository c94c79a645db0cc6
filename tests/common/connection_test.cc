// Connections whose other end says nothing, on the side of servers and of clients.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "common/rpc/self_owned_reactor.h"
#include "common/rpc/server.h"
#include "sr2l/v1/experiment.grpc.pb.h"
#include "tests/common/fault_proxy.h"
#include "tests/common/keep_callback_threads.h"
#include "tests/common/socket.h"

namespace sr2l {
namespace {

// A peer that is gone is noticed within this time.
constexpr absl::Duration kNoticeTime = absl::Seconds(10);

// List answers; Watch goes on until it is cancelled, in silence.
class SilentService : public v1::Experiments::CallbackService {
  class Silence final : public SelfOwnedReactor<grpc::ServerWriteReactor<v1::Experiment>> {
    void Begin() override { StartSendInitialMetadata(); }
    void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  };

  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context, const v1::ListRequest*,
                                 v1::ListResponse*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerWriteReactor<v1::Experiment>* Watch(grpc::CallbackServerContext*,
                                                  const v1::GetRequest*) override {
    return Silence::Start(std::make_shared<Silence>());
  }
};

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() {
    KeepCallbackThreads();
    server_ = *RpcServer::Start("127.0.0.1:0", {}, {&service_});
  }

  static grpc::Status CallList(v1::Experiments::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(10)));
    v1::ListResponse response;
    return stub.List(&context, v1::ListRequest(), &response);
  }

  SilentService service_;
  std::unique_ptr<RpcServer> server_;
};

// With a call, without one, and with more to say than the network takes.
TEST_F(ConnectionTest, BothEndsGiveUpOnAPeerThatIsGone) {
  FaultProxy idle_network(server_->address());
  FaultProxy busy_network(server_->address());
  FaultProxy full_network(server_->address());
  const auto idle = v1::Experiments::NewStub(*MakeChannel(idle_network.address(), {}));
  const auto busy = v1::Experiments::NewStub(*MakeChannel(busy_network.address(), {}));
  const auto full = v1::Experiments::NewStub(*MakeChannel(full_network.address(), {}));
  ASSERT_TRUE(CallList(*idle).ok());
  ASSERT_TRUE(CallList(*full).ok());
  grpc::ClientContext context;  // no deadline: what notices is the connection
  const auto watch = busy->Watch(&context, v1::GetRequest());
  watch->WaitForInitialMetadata();

  const absl::Time gone = absl::Now();
  idle_network.Vanish();
  busy_network.Vanish();
  full_network.Stall();
  grpc::ClientContext full_context;
  v1::ListRequest request;
  request.set_page_token(std::string(kMaxMessageBytes - 100, 'x'));
  v1::ListResponse response;
  EXPECT_EQ(full->List(&full_context, request, &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_LE(absl::Now() - gone, kNoticeTime);
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_LE(absl::Now() - gone, kNoticeTime);
  for (FaultProxy* const network : {&idle_network, &busy_network}) {
    while (!network->last_farewell().has_value() && absl::Now() < gone + 2 * kNoticeTime) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    EXPECT_LE(network->last_farewell().value_or(absl::InfiniteDuration()), kNoticeTime);
  }
  EXPECT_TRUE(CallList(*idle).ok());
}

TEST_F(ConnectionTest, ThoseThatSayNothingAreClosedAndOthersAreServedMeanwhile) {
  std::vector<Socket> silent;
  for (int i = 0; i < 500; ++i) silent.push_back(ConnectTo(server_->address()));
  const auto stub = v1::Experiments::NewStub(*MakeChannel(server_->address(), {}));
  EXPECT_TRUE(CallList(*stub).ok());
  const absl::Time begin = absl::Now();
  for (const Socket& socket : silent) {
    ASSERT_TRUE(socket.valid());
    const timeval limit = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    char bytes[1024];
    ssize_t count = 0;
    // What the server says of itself, and then the end.
    while ((count = recv(socket.get(), bytes, sizeof(bytes), 0)) > 0) {
    }
    ASSERT_EQ(count, 0);
  }
  EXPECT_LE(absl::Now() - begin, absl::Seconds(15));
  EXPECT_TRUE(CallList(*stub).ok());
}

TEST_F(ConnectionTest, OneCallTooManyWaitsForAnotherToEndAndOtherConnectionsGoOn) {
  constexpr int kMostCalls = 256;
  FaultProxy network(server_->address());  // an address of its own is a connection of its own
  const auto busy = v1::Experiments::NewStub(*MakeChannel(network.address(), {}));
  const auto other = v1::Experiments::NewStub(*MakeChannel(server_->address(), {}));
  std::list<grpc::ClientContext> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Experiment>>> calls;
  for (int i = 0; i < kMostCalls; ++i) {
    contexts.emplace_back().set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(1)));
    calls.push_back(busy->Watch(&contexts.back(), v1::GetRequest()));
    calls.back()->WaitForInitialMetadata();
  }
  std::future<grpc::Status> waiting =
      std::async(std::launch::async, [&busy] { return CallList(*busy); });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(CallList(*other).ok());
  EXPECT_EQ(waiting.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(network.num_connections(), 1);
  contexts.front().TryCancel();
  EXPECT_TRUE(waiting.get().ok());
  for (grpc::ClientContext& context : contexts) context.TryCancel();
  for (const auto& call : calls) {
    EXPECT_EQ(call->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
}

}  // namespace
}  // namespace sr2l
