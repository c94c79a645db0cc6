#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "common/rpc/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sr2l/v1/experiment.grpc.pb.h"
#include "tests/common/test_authority.h"
#include "tests/common/keep_callback_threads.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kDeadline = absl::Seconds(10);

// Get is for operators and learners; List is for everybody.
class RoleService : public v1::Experiments::Service {
  grpc::Status Get(grpc::ServerContext* context, const v1::GetRequest*,
                   v1::Experiment*) override {
    return ToGrpcStatus(RequireRole(*context, {"operator", "learner"}));
  }
  grpc::Status List(grpc::ServerContext*, const v1::ListRequest* request,
                    v1::ListResponse* response) override {
    response->set_next_page_token(std::string(request->page_token().size(), 'y'));
    return grpc::Status::OK;
  }
};

class RpcTest : public testing::Test {
 protected:
  RpcTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sr2l_rpc_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~RpcTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Serve(const std::string& address, const TransportSecurity& security) {
    KeepCallbackThreads();
    auto server = RpcServer::Start(address, security, {&service_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<v1::Experiments::Stub> Stub(const TransportSecurity& security) {
    return v1::Experiments::NewStub(MakeChannel(server_->address(), security).value());
  }

  std::string UnixAddress() const { return "unix:" + (folder_ / "rpc.sock").string(); }

  std::filesystem::path folder_;
  RoleService service_;
  std::unique_ptr<RpcServer> server_;
};

TransportSecurity Files(const std::string& ca, const std::string& certificate,
                        const std::string& key, bool insecure = false) {
  return {.ca_file = ca, .certificate_file = certificate, .key_file = key, .insecure = insecure};
}

absl::Status CallGet(v1::Experiments::Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
  v1::Experiment response;
  return FromGrpcStatus(stub.Get(&context, v1::GetRequest(), &response));
}

absl::StatusOr<size_t> CallList(v1::Experiments::Stub& stub, size_t size) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
  v1::ListRequest request;
  request.set_page_token(std::string(size, 'x'));
  v1::ListResponse response;
  const absl::Status status = FromGrpcStatus(stub.List(&context, request, &response));
  if (!status.ok()) return status;
  return response.next_page_token().size();
}

// One request and the first answer of any method, as bytes.
absl::StatusOr<std::string> CallBytes(const std::string& address, const std::string& method,
                                      const std::string& request) {
  grpc::GenericStub stub(MakeChannel(address, {}).value());
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kDeadline));
  const grpc::Slice slice(request);
  const grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  absl::Notification finished;
  absl::Status status;
  stub.UnaryCall(&context, method, grpc::StubOptions(), &sent, &received,
                 [&](const grpc::Status& answer) {
                   status = FromGrpcStatus(answer);
                   finished.Notify();
                 });
  finished.WaitForNotification();
  if (!status.ok()) return status;
  grpc::Slice joined;
  EXPECT_TRUE(received.DumpToSingleSlice(&joined).ok());
  return std::string(reinterpret_cast<const char*>(joined.begin()), joined.size());
}

TEST_F(RpcTest, PlainTextIsRefusedBeyondLoopbackUnlessAskedFor) {
  for (const char* address : {"0.0.0.0:0", "learner.example.com:50051"}) {
    for (const absl::Status& status : {MakeServerCredentials(address, {}).status(),
                                       MakeChannelCredentials(address, {}).status(),
                                       MakeChannel(address, {}).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(std::string(status.message()), HasSubstr(address));
      EXPECT_THAT(std::string(status.message()), HasSubstr("--insecure"));
    }
    EXPECT_TRUE(MakeServerCredentials(address, Files("", "", "", /*insecure=*/true)).ok());
    EXPECT_TRUE(MakeChannelCredentials(address, Files("", "", "", /*insecure=*/true)).ok());
  }
  EXPECT_EQ(RpcServer::Start("0.0.0.0:0", {}, {&service_}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RpcTest, HalfOfTheTlsFilesIsRefusedEverywhere) {
  for (const TransportSecurity& security :
       {Files("ca", "", ""), Files("", "crt", ""), Files("", "", "key"), Files("ca", "crt", "")}) {
    for (const char* address : {"127.0.0.1:0", "learner.example.com:50051"}) {
      EXPECT_THAT(std::string(MakeServerCredentials(address, security).status().message()),
                  HasSubstr("needs all of --tls-ca, --tls-certificate and --tls-key"));
      EXPECT_THAT(std::string(MakeChannelCredentials(address, security).status().message()),
                  HasSubstr("needs all of --tls-ca, --tls-certificate and --tls-key"));
    }
  }
}

TEST_F(RpcTest, PortZeroBecomesThePortThatIsListenedOn) {
  Serve("127.0.0.1:0", {});
  EXPECT_THAT(server_->address(), testing::MatchesRegex("127.0.0.1:[1-9][0-9]*"));
  EXPECT_EQ(CallGet(*Stub({})), absl::OkStatus());
}

TEST_F(RpcTest, AUnixSocketIsServedOverAStaleFile) {
  std::ofstream(folder_ / "rpc.sock") << "stale";
  Serve(UnixAddress(), {});
  EXPECT_EQ(server_->address(), UnixAddress());
  EXPECT_EQ(CallGet(*Stub({})), absl::OkStatus());
}

// A killed server leaves the file of its socket.
TEST_F(RpcTest, AUnixSocketIsServedOverOneThatNobodyListensOn) {
  const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  UnixAddress().copy(name.sun_path, sizeof(name.sun_path) - 1, 5);
  ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  ASSERT_EQ(listen(dead, 1), 0);
  close(dead);
  ASSERT_TRUE(std::filesystem::is_socket(folder_ / "rpc.sock"));
  Serve(UnixAddress(), {});
  EXPECT_EQ(CallGet(*Stub({})), absl::OkStatus());
}

TEST_F(RpcTest, AUnixSocketThatIsServedIsLeftToItsServer) {
  Serve(UnixAddress(), {});
  RoleService service;
  const auto second = RpcServer::Start(UnixAddress(), {}, {&service});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.status().message(),
            "cannot listen on " + UnixAddress() + ": another server answers there");
  EXPECT_EQ(CallGet(*Stub({})), absl::OkStatus());  // on a connection of its own
}

TEST_F(RpcTest, AnAddressThatCannotBeListenedOnIsUnavailable) {
  Serve("127.0.0.1:0", {});
  for (const std::string& address :
       {server_->address(), "unix:" + (folder_ / "none" / "rpc.sock").string()}) {
    RoleService service;
    const auto second = RpcServer::Start(address, {}, {&service});
    EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
  }
}

TEST_F(RpcTest, HealthChecksAreAnsweredWithServing) {
  Serve(UnixAddress(), {});
  // HealthCheckResponse { status: SERVING }.
  EXPECT_EQ(CallBytes(UnixAddress(), "/grpc.health.v1.Health/Check", "").value(), "\x08\x01");
}

TEST_F(RpcTest, ReflectionListsTheServices) {
  Serve(UnixAddress(), {});
  // ServerReflectionRequest { list_services: "" }.
  const auto answer = CallBytes(
      UnixAddress(), "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      std::string("\x3a\x00", 2));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(*answer, HasSubstr("sr2l.v1.Experiments"));
  EXPECT_THAT(*answer, HasSubstr("grpc.health.v1.Health"));
}

TEST_F(RpcTest, CallsFailAfterShutdownAndShuttingDownAgainDoesNothing) {
  Serve(UnixAddress(), {});
  const auto stub = Stub({});
  ASSERT_EQ(CallGet(*stub), absl::OkStatus());
  server_->Shutdown(absl::ZeroDuration());
  server_->Shutdown(absl::ZeroDuration());
  EXPECT_EQ(CallGet(*stub).code(), absl::StatusCode::kUnavailable);
}

TEST_F(RpcTest, MessagesUpToTheLimitPassAndLargerOnesAreRefused) {
  Serve(UnixAddress(), {});
  const auto stub = Stub({});
  EXPECT_EQ(*CallList(*stub, kMaxMessageBytes - 100), size_t{kMaxMessageBytes - 100});
  EXPECT_EQ(CallList(*stub, kMaxMessageBytes + 1).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*CallList(*stub, 10), 10u);
}

TEST_F(RpcTest, AServerRefusesMessagesBeyondItsOwnLimit) {
  auto server = RpcServer::Start(UnixAddress(), {}, {&service_}, /*max_received_bytes=*/1000);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const auto stub = Stub({});
  EXPECT_EQ(*CallList(*stub, 900), 900u);
  EXPECT_EQ(CallList(*stub, 1001).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(RpcTest, MutualTlsLetsTheRolesInAndChecksThem) {
  TestAuthority authority(folder_, "authority");
  Serve("127.0.0.1:0", authority.Issue("learner"));
  EXPECT_EQ(CallGet(*Stub(authority.Issue("operator"))), absl::OkStatus());
  EXPECT_EQ(CallGet(*Stub(authority.Issue("learner"))), absl::OkStatus());
  EXPECT_EQ(CallGet(*Stub(authority.Issue("x", "spiffe://sr2l.example/ns/rl/operator"))),
            absl::OkStatus());
  for (const TransportSecurity& stranger :
       {authority.Issue("actor"), authority.Issue("x", "spiffe://sr2l.example/actor"),
        authority.Issue("notoperator"), authority.Issue("operator ")}) {
    const absl::Status status = CallGet(*Stub(stranger));
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("role operator or learner"));
  }
  // What needs no role is open to every certificate of the authority.
  EXPECT_EQ(*CallList(*Stub(authority.Issue("actor")), 3), 3u);
}

TEST_F(RpcTest, ACertificateOfAnotherAuthorityIsRefusedByBothSides) {
  TestAuthority ours(folder_, "ours");
  TestAuthority theirs(folder_, "theirs");
  Serve("127.0.0.1:0", ours.Issue("learner"));
  EXPECT_EQ(CallGet(*Stub(theirs.Issue("operator"))).code(), absl::StatusCode::kUnavailable);
  // The client trusts the server, but not the other way round.
  TransportSecurity half = theirs.Issue("operator");
  half.ca_file = ours.Issue("operator").ca_file;
  EXPECT_EQ(CallGet(*Stub(half)).code(), absl::StatusCode::kUnavailable);
  // The server would trust the client, but the client trusts another authority.
  half = ours.Issue("operator");
  half.ca_file = theirs.Issue("operator").ca_file;
  EXPECT_EQ(CallGet(*Stub(half)).code(), absl::StatusCode::kUnavailable);
}

TEST_F(RpcTest, AClientWithoutACertificateIsRefused) {
  TestAuthority authority(folder_, "authority");
  Serve("127.0.0.1:0", authority.Issue("learner"));
  EXPECT_EQ(CallGet(*Stub({})).code(), absl::StatusCode::kUnavailable);  // plain text

  std::ifstream ca_file(authority.Issue("operator").ca_file);
  const std::string ca((std::istreambuf_iterator<char>(ca_file)), {});
  grpc::SslCredentialsOptions only_ca;
  only_ca.pem_root_certs = ca;
  const auto stub = v1::Experiments::NewStub(
      grpc::CreateChannel(server_->address(), grpc::SslCredentials(only_ca)));
  EXPECT_EQ(CallGet(*stub).code(), absl::StatusCode::kUnavailable);
}

TEST(StatusConversionTest, EveryCodeAndMessageSurvivesBothWays) {
  EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(absl::OkStatus())), absl::OkStatus());
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), absl::StrCat("why ", code));
    EXPECT_EQ(FromGrpcStatus(ToGrpcStatus(status)), status);
  }
}

}  // namespace
}  // namespace sr2l
