// Who may call what, with real certificates.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/server.h"
#include "replay/core/memory_log.h"
#include "replay/service/replay_service.h"
#include "tests/common/keep_callback_threads.h"

namespace sr2l {
namespace {

// An authority and the certificates that it signed, in a folder of their own.
class Authority {
 public:
  Authority() {
    std::string folder = ::testing::TempDir() + "sr2l-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    Run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca "
        "-keyout ca.key -out ca.pem");
    std::ofstream(folder_ + "/extensions") << "subjectAltName=IP:127.0.0.1\n";
  }
  ~Authority() { std::filesystem::remove_all(folder_); }

  TransportSecurity Issue(const std::string& name) const {
    Run(absl::StrCat("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=", name,
                     " -keyout ", name, ".key -out ", name, ".csr"));
    Run(absl::StrCat("x509 -req -days 2 -in ", name, ".csr -CA ca.pem -CAkey ca.key "
                     "-CAcreateserial -extfile extensions -out ", name, ".pem"));
    TransportSecurity security;
    security.ca_file = folder_ + "/ca.pem";
    security.certificate_file = absl::StrCat(folder_, "/", name, ".pem");
    security.key_file = absl::StrCat(folder_, "/", name, ".key");
    return security;
  }

 private:
  void Run(const std::string& arguments) const {
    const std::string command =
        absl::StrCat("cd ", folder_, " && openssl ", arguments, " >> log 2>&1");
    EXPECT_EQ(system(command.c_str()), 0) << command;
  }

  std::string folder_;
};

class ReplayRolesTest : public ::testing::Test {
 protected:
  ReplayRolesTest()
      : store_(*ReplayStore::Open(log_)), metrics_(registry_), service_(*store_, metrics_) {
    KeepCallbackThreads();
    auto server = RpcServer::Start("127.0.0.1:0", authority_.Issue("replay"), {&service_});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // The names of the methods that a certificate's owner may call.
  std::vector<std::string> Allowed(const std::string& role) {
    const auto stub =
        v1::Replay::NewStub(*MakeChannel(server_->address(), authority_.Issue(role)));
    std::vector<std::string> allowed;
    const auto attempt = [&allowed](const std::string& method,
                                    const std::function<grpc::Status(grpc::ClientContext*)>& call) {
      grpc::ClientContext context;
      context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(20)));
      const grpc::Status status = call(&context);
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
      if (status.error_code() != grpc::StatusCode::PERMISSION_DENIED) allowed.push_back(method);
    };
    attempt("CreateTables", [&](grpc::ClientContext* context) {
      v1::CreateTablesResponse response;
      return stub->CreateTables(context, {}, &response);
    });
    attempt("ReadRound", [&](grpc::ClientContext* context) {
      return stub->ReadRound(context, {})->Finish();
    });
    attempt("Sample", [&](grpc::ClientContext* context) {
      return stub->Sample(context, {})->Finish();
    });
    attempt("SetLimits", [&](grpc::ClientContext* context) {
      v1::SetLimitsResponse response;
      return stub->SetLimits(context, {}, &response);
    });
    attempt("ReleaseRounds", [&](grpc::ClientContext* context) {
      v1::ReleaseRoundsResponse response;
      return stub->ReleaseRounds(context, {}, &response);
    });
    attempt("DropExperiment", [&](grpc::ClientContext* context) {
      v1::DropExperimentResponse response;
      return stub->DropExperiment(context, {}, &response);
    });
    attempt("Sync", [&](grpc::ClientContext* context) {
      v1::SyncResponse response;
      return stub->Sync(context, {}, &response);
    });
    attempt("OpenStream", [&](grpc::ClientContext* context) {
      v1::OpenStreamResponse response;
      return stub->OpenStream(context, {}, &response);
    });
    attempt("Append", [&](grpc::ClientContext* context) {
      const auto stream = stub->Append(context);
      stream->WritesDone();
      return stream->Finish();
    });
    attempt("DescribeTables", [&](grpc::ClientContext* context) {
      v1::DescribeTablesResponse response;
      return stub->DescribeTables(context, {}, &response);
    });
    return allowed;
  }

  const Authority authority_;
  MemoryLog log_{uint64_t{64} << 20};
  const std::unique_ptr<ReplayStore> store_;
  prometheus::Registry registry_;
  ReplayMetrics metrics_;
  ReplayService service_;
  std::unique_ptr<RpcServer> server_;
};

using Methods = std::vector<std::string>;

TEST_F(ReplayRolesTest, ActorsAppendLearnersReadOperatorsDescribeOthersNothing) {
  EXPECT_EQ(Allowed("actor"), Methods({"OpenStream", "Append"}));
  EXPECT_EQ(Allowed("learner"), Methods({"CreateTables", "ReadRound", "Sample", "SetLimits",
                                         "ReleaseRounds", "DropExperiment", "Sync",
                                         "DescribeTables"}));
  EXPECT_EQ(Allowed("operator"), Methods({"DescribeTables"}));
  EXPECT_EQ(Allowed("visitor"), Methods({}));
}

}  // namespace
}  // namespace sr2l
