#include "learner/service/fleet_service.h"

#include <memory>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "common/log/log.h"
#include "common/rpc/credentials.h"
#include "common/rpc/self_owned_reactor.h"
#include "common/rpc/write_guard.h"

namespace sr2l {
namespace {

// Sends one actor its events, one write at a time. Locks: mu_, then the fleet's or the
// guard's.
class JoinReactor : public SelfOwnedReactor<grpc::ServerWriteReactor<v1::FleetEvent>> {
 public:
  JoinReactor(Fleet& fleet, v1::JoinRequest request, absl::Status permission,
              std::shared_ptr<WriteGuard> guard)
      : fleet_(fleet),
        request_(std::move(request)),
        permission_(std::move(permission)),
        guard_(std::move(guard)) {}

  // gRPC is done with the call: the actor is gone.
  ~JoinReactor() override {
    if (actor_ == 0) return;
    fleet_.Leave(actor_);
    SR2L_INFO("actor {} left", request_.actor_name());
  }

  void OnWriteDone(bool ok) override {
    guard_->WriteEnds();
    absl::MutexLock lock(&mu_);
    event_.reset();
    if (!ok) cancelled_ = true;
    SendNext();
  }

  void OnCancel() override {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    SendNext();
  }

 private:
  // Joins the fleet, or ends the call with the reason why not.
  void Begin() override {
    StartSendInitialMetadata();
    const auto wake = [self = weak_from_this()] {
      if (const auto reactor = self.lock()) static_cast<JoinReactor&>(*reactor).Wake();
    };
    const absl::StatusOr<Fleet::ActorId> actor =
        permission_.ok() ? fleet_.Join(request_, wake) : permission_;
    absl::MutexLock lock(&mu_);
    if (!actor.ok()) return End(ToGrpcStatus(actor.status()));
    SR2L_INFO("actor {} joined", request_.actor_name());
    actor_ = *actor;
    SendNext();
  }

  void Wake() {
    absl::MutexLock lock(&mu_);
    SendNext();
  }

  // Starts the next write, or ends the call once it is cancelled and nothing is under way.
  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (finished_ || event_ != nullptr || actor_ == 0) return;
    if (cancelled_) return End(grpc::Status::CANCELLED);
    event_ = fleet_.NextEvent(actor_);
    if (event_ == nullptr) return;
    guard_->WriteBegins();
    StartWrite(event_.get());
  }

  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    finished_ = true;
    guard_->Stop();
    Finish(status);
  }

  Fleet& fleet_;
  const v1::JoinRequest request_;
  const absl::Status permission_;
  const std::shared_ptr<WriteGuard> guard_;
  absl::Mutex mu_;
  Fleet::ActorId actor_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<const v1::FleetEvent> event_ ABSL_GUARDED_BY(mu_);  // being written
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::FleetEvent>* FleetService::Join(
    grpc::CallbackServerContext* context, const v1::JoinRequest* request) {
  return JoinReactor::Start(
      std::make_shared<JoinReactor>(fleet_, *request, RequireRole(*context, {"actor"}),
                                    WriteGuard::Start(*context, patience_)));
}

grpc::ServerUnaryReactor* FleetService::ReportFailure(grpc::CallbackServerContext* context,
                                                      const v1::ReportFailureRequest* request,
                                                      v1::ReportFailureResponse*) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status status = RequireRole(*context, {"actor"});
  if (status.ok()) status = fleet_.ReportFailure(*request);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* FleetService::ReportEvaluation(grpc::CallbackServerContext* context,
                                                         const v1::ReportEvaluationRequest* request,
                                                         v1::ReportEvaluationResponse*) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status status = RequireRole(*context, {"actor"});
  if (status.ok()) status = fleet_.ReportEvaluation(*request);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace sr2l
