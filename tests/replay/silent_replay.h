#ifndef SR2L_TESTS_REPLAY_SILENT_REPLAY_H_
#define SR2L_TESTS_REPLAY_SILENT_REPLAY_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "common/rpc/server.h"
#include "sr2l/v1/replay.grpc.pb.h"

namespace sr2l {

// A replay server that takes connections and calls, and answers none of them.
class SilentReplay {
 public:
  std::string address() const { return server_->address(); }
  // Calls that have come.
  int asked() const { return service_.asked; }

 private:
  class Service final : public v1::Replay::Service {
   public:
    std::atomic<int> asked = 0;

   private:
    using Context = grpc::ServerContext*;

    grpc::Status Silence(Context context) {
      ++asked;
      while (!context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
      return grpc::Status::CANCELLED;
    }

    grpc::Status CreateTables(Context context, const v1::CreateTablesRequest* /*request*/,
                              v1::CreateTablesResponse* /*response*/) override {
      return Silence(context);
    }
    grpc::Status OpenStream(Context context, const v1::OpenStreamRequest* /*request*/,
                            v1::OpenStreamResponse* /*response*/) override {
      return Silence(context);
    }
    grpc::Status ReadRound(Context context, const v1::ReadRoundRequest* /*request*/,
                           grpc::ServerWriter<v1::ReadRoundResponse>* /*writer*/) override {
      return Silence(context);
    }
    grpc::Status Sample(Context context, const v1::SampleRequest* /*request*/,
                        grpc::ServerWriter<v1::SampleResponse>* /*writer*/) override {
      return Silence(context);
    }
    grpc::Status SetLimits(Context context, const v1::SetLimitsRequest* /*request*/,
                           v1::SetLimitsResponse* /*response*/) override {
      return Silence(context);
    }
    grpc::Status ReleaseRounds(Context context, const v1::ReleaseRoundsRequest* /*request*/,
                               v1::ReleaseRoundsResponse* /*response*/) override {
      return Silence(context);
    }
    grpc::Status DropExperiment(Context context, const v1::DropExperimentRequest* /*request*/,
                                v1::DropExperimentResponse* /*response*/) override {
      return Silence(context);
    }
    grpc::Status DescribeTables(Context context, const v1::DescribeTablesRequest* /*request*/,
                                v1::DescribeTablesResponse* /*response*/) override {
      return Silence(context);
    }
  };

  Service service_;
  const std::unique_ptr<RpcServer> server_ = *RpcServer::Start("127.0.0.1:0", {}, {&service_});
};

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_SILENT_REPLAY_H_
