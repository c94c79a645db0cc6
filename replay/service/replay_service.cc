#include "replay/service/replay_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/rpc/credentials.h"
#include "common/status/status_macros.h"
#include "replay/service/append_reactor.h"
#include "replay/service/read_round_reactor.h"
#include "replay/service/sample_reactor.h"
#include "replay/service/sync_reactor.h"

namespace sr2l {
namespace {

constexpr double kMaxWaitSeconds = 60;

// Refuses a call at once; for either kind of streaming.
template <typename Reactor>
class RefusedReactor final : public SelfOwnedReactor<Reactor> {
 public:
  explicit RefusedReactor(absl::Status status) : status_(std::move(status)) {}

 protected:
  void Begin() override { this->Finish(ToGrpcStatus(status_)); }

 private:
  const absl::Status status_;
};

grpc::ServerUnaryReactor* Reply(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

// The same, once what was changed is as durable as it gets.
grpc::ServerUnaryReactor* ReplyWhenDurable(grpc::CallbackServerContext* context, ReplayStore& store,
                                           const absl::Status& status) {
  if (!status.ok()) return Reply(context, status);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  store.WhenDurable(
      [reactor](const absl::Status& durable) { reactor->Finish(ToGrpcStatus(durable)); });
  return reactor;
}

absl::Status CheckMaxWait(double seconds) {
  if (seconds >= 0 && seconds <= kMaxWaitSeconds) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("max_wait_seconds must be in [0, ", kMaxWaitSeconds, "], got ", seconds));
}

absl::Status Open(ReplayStore& store, ReplayMetrics& metrics, const v1::OpenStreamRequest& request,
                  v1::OpenStreamResponse& response) {
  SR2L_ASSIGN_OR_RETURN(OpenedStream opened,
                        store.OpenStream(request.key(), request.lease_epoch()));
  if (opened.fenced) metrics.streams_fenced.Increment();
  response.set_next_step(opened.next_step);
  response.set_resume_token(std::move(opened.resume_token));
  return absl::OkStatus();
}

}  // namespace

ReplayService::ReplayService(ReplayStore& store, ReplayMetrics& metrics, absl::Duration patience)
    : store_(store), metrics_(metrics), patience_(patience) {
  metrics_.byte_budget.Set(static_cast<double>(store_.byte_budget()));
  UpdateStoredBytes();
}

ReplayService::~ReplayService() {
  absl::Notification done;
  store_.WhenDurable([&done](const absl::Status& /*durable*/) { done.Notify(); });
  done.WaitForNotification();
}

grpc::ServerUnaryReactor* ReplayService::CreateTables(grpc::CallbackServerContext* context,
                                                      const v1::CreateTablesRequest* request,
                                                      v1::CreateTablesResponse* /*response*/) {
  absl::Status status = RequireRole(*context, {"learner"});
  if (status.ok()) {
    status = store_.CreateTables({request->tables().begin(), request->tables().end()});
  }
  return ReplyWhenDurable(context, store_, status);
}

grpc::ServerWriteReactor<v1::ReadRoundResponse>* ReplayService::ReadRound(
    grpc::CallbackServerContext* context, const v1::ReadRoundRequest* request) {
  using Reactor = grpc::ServerWriteReactor<v1::ReadRoundResponse>;
  absl::Status status = RequireRole(*context, {"learner"});
  if (status.ok()) status = CheckMaxWait(request->max_wait_seconds());
  if (!status.ok()) {
    return SelfOwnedReactor<Reactor>::Start(
        std::make_shared<RefusedReactor<Reactor>>(std::move(status)));
  }
  RoundRequest round{.experiment_id = request->experiment_id(),
                     .members = {request->members().begin(), request->members().end()},
                     .round = request->round()};
  return SelfOwnedReactor<Reactor>::Start(std::make_shared<ReadRoundReactor>(
      store_, metrics_, WriteGuard::Start(*context, patience_), std::move(round),
      absl::Seconds(request->max_wait_seconds())));
}

grpc::ServerWriteReactor<v1::SampleResponse>* ReplayService::Sample(
    grpc::CallbackServerContext* context, const v1::SampleRequest* request) {
  using Reactor = grpc::ServerWriteReactor<v1::SampleResponse>;
  absl::Status status = RequireRole(*context, {"learner"});
  if (status.ok()) status = CheckMaxWait(request->max_wait_seconds());
  if (!status.ok()) {
    return SelfOwnedReactor<Reactor>::Start(
        std::make_shared<RefusedReactor<Reactor>>(std::move(status)));
  }
  return SelfOwnedReactor<Reactor>::Start(
      std::make_shared<SampleReactor>(store_, metrics_, WriteGuard::Start(*context, patience_),
                                      *request));
}

grpc::ServerUnaryReactor* ReplayService::SetLimits(grpc::CallbackServerContext* context,
                                                   const v1::SetLimitsRequest* request,
                                                   v1::SetLimitsResponse* /*response*/) {
  absl::Status status = RequireRole(*context, {"learner"});
  if (status.ok()) status = store_.SetLimits(*request);
  return ReplyWhenDurable(context, store_, status);
}

grpc::ServerUnaryReactor* ReplayService::ReleaseRounds(grpc::CallbackServerContext* context,
                                                       const v1::ReleaseRoundsRequest* request,
                                                       v1::ReleaseRoundsResponse* /*response*/) {
  absl::Status status = RequireRole(*context, {"learner"});
  if (status.ok()) {
    status = store_.ReleaseRounds(request->experiment_id(),
                                  {request->members().begin(), request->members().end()},
                                  request->before_round());
    UpdateStoredBytes();
  }
  return Reply(context, status);
}

grpc::ServerUnaryReactor* ReplayService::DropExperiment(grpc::CallbackServerContext* context,
                                                        const v1::DropExperimentRequest* request,
                                                        v1::DropExperimentResponse* /*response*/) {
  absl::Status status = RequireRole(*context, {"learner"});
  if (status.ok()) {
    status = store_.DropExperiment(request->experiment_id());
    UpdateStoredBytes();
  }
  return ReplyWhenDurable(context, store_, status);
}

grpc::ServerUnaryReactor* ReplayService::Sync(grpc::CallbackServerContext* context,
                                              const v1::SyncRequest* /*request*/,
                                              v1::SyncResponse* response) {
  const absl::Status status = RequireRole(*context, {"learner"});
  if (!status.ok()) return Reply(context, status);
  response->set_durability(store_.sync_durability());
  return SyncReactor::Start(std::make_shared<SyncReactor>(store_));
}

grpc::ServerUnaryReactor* ReplayService::OpenStream(grpc::CallbackServerContext* context,
                                                    const v1::OpenStreamRequest* request,
                                                    v1::OpenStreamResponse* response) {
  absl::Status status = RequireRole(*context, {"actor"});
  if (status.ok()) status = Open(store_, metrics_, *request, *response);
  return ReplyWhenDurable(context, store_, status);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ReplayService::Append(
    grpc::CallbackServerContext* context) {
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;
  absl::Status status = RequireRole(*context, {"actor"});
  if (!status.ok()) {
    return SelfOwnedReactor<Reactor>::Start(
        std::make_shared<RefusedReactor<Reactor>>(std::move(status)));
  }
  return SelfOwnedReactor<Reactor>::Start(std::make_shared<AppendReactor>(store_, metrics_));
}

grpc::ServerUnaryReactor* ReplayService::DescribeTables(grpc::CallbackServerContext* context,
                                                        const v1::DescribeTablesRequest* request,
                                                        v1::DescribeTablesResponse* response) {
  absl::Status status = RequireRole(*context, {"operator", "learner"});
  if (status.ok()) {
    auto description = store_.Describe(request->experiment_id());
    status = description.status();
    if (status.ok()) *response = *std::move(description);
  }
  return Reply(context, status);
}

void ReplayService::UpdateStoredBytes() {
  metrics_.stored_bytes.Set(static_cast<double>(store_.bytes()));
}

}  // namespace sr2l
