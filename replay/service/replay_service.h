#ifndef SR2L_REPLAY_SERVICE_REPLAY_SERVICE_H_
#define SR2L_REPLAY_SERVICE_REPLAY_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "absl/time/time.h"
#include "common/rpc/write_guard.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_metrics.h"
#include "sr2l/v1/replay.grpc.pb.h"

namespace sr2l {

// The service with callbacks, and Append's messages undecoded (see AppendReactor).
using ReplayServiceBase = v1::Replay::WithCallbackMethod_CreateTables<
    v1::Replay::WithCallbackMethod_ReadRound<v1::Replay::WithCallbackMethod_Sample<
        v1::Replay::WithCallbackMethod_SetLimits<v1::Replay::WithCallbackMethod_ReleaseRounds<
            v1::Replay::WithCallbackMethod_DropExperiment<
                v1::Replay::WithCallbackMethod_OpenStream<v1::Replay::WithRawCallbackMethod_Append<
                    v1::Replay::WithCallbackMethod_DescribeTables<
                        v1::Replay::WithCallbackMethod_Sync<v1::Replay::Service>>>>>>>>>>;

// The replay service of replay.proto over a store. Checks the caller's role (actors
// append, learners create, read, sample, set limits, release, drop and sync, operators and
// learners describe), and the requests' limits. Thread-safe; no method blocks.
class ReplayService final : public ReplayServiceBase {
 public:
  // Both are borrowed and must outlive the server. A reader that leaves a message untaken for
  // `patience` loses its call.
  ReplayService(ReplayStore& store, ReplayMetrics& metrics,
                absl::Duration patience = WriteGuard::kPatience);
  // After the server was shut down. Waits until the log is done with the last answer.
  ~ReplayService() override;

  grpc::ServerUnaryReactor* CreateTables(grpc::CallbackServerContext* context,
                                         const v1::CreateTablesRequest* request,
                                         v1::CreateTablesResponse* response) override;
  grpc::ServerWriteReactor<v1::ReadRoundResponse>* ReadRound(
      grpc::CallbackServerContext* context, const v1::ReadRoundRequest* request) override;
  grpc::ServerWriteReactor<v1::SampleResponse>* Sample(grpc::CallbackServerContext* context,
                                                       const v1::SampleRequest* request) override;
  grpc::ServerUnaryReactor* SetLimits(grpc::CallbackServerContext* context,
                                      const v1::SetLimitsRequest* request,
                                      v1::SetLimitsResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseRounds(grpc::CallbackServerContext* context,
                                          const v1::ReleaseRoundsRequest* request,
                                          v1::ReleaseRoundsResponse* response) override;
  grpc::ServerUnaryReactor* DropExperiment(grpc::CallbackServerContext* context,
                                           const v1::DropExperimentRequest* request,
                                           v1::DropExperimentResponse* response) override;
  grpc::ServerUnaryReactor* Sync(grpc::CallbackServerContext* context,
                                 const v1::SyncRequest* request,
                                 v1::SyncResponse* response) override;
  grpc::ServerUnaryReactor* OpenStream(grpc::CallbackServerContext* context,
                                       const v1::OpenStreamRequest* request,
                                       v1::OpenStreamResponse* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Append(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* DescribeTables(grpc::CallbackServerContext* context,
                                           const v1::DescribeTablesRequest* request,
                                           v1::DescribeTablesResponse* response) override;

 private:
  void UpdateStoredBytes();

  ReplayStore& store_;
  ReplayMetrics& metrics_;
  const absl::Duration patience_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_REPLAY_SERVICE_H_
