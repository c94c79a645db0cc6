#include "learner/service/fleet_service.h"

#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "common/log/log.h"
#include "common/rpc/credentials.h"

namespace sr2l {
namespace {

class JoinReactor;

// How the fleet reaches a reactor that may already be gone. Thread-safe.
struct Link {
  absl::Mutex mu;
  JoinReactor* reactor ABSL_GUARDED_BY(mu) = nullptr;
};

// Sends one actor its events, one write at a time. Locks: link.mu, then the fleet's.
class JoinReactor : public grpc::ServerWriteReactor<v1::FleetEvent> {
 public:
  JoinReactor(Fleet& fleet, std::string actor_name)
      : fleet_(fleet), actor_name_(std::move(actor_name)), link_(std::make_shared<Link>()) {
    absl::MutexLock lock(&link_->mu);
    link_->reactor = this;
  }

  // Joins the fleet, or ends the call with the reason why not.
  void Start(const v1::JoinRequest& request, const absl::Status& permission) {
    StartSendInitialMetadata();
    absl::Status status = permission;
    if (status.ok()) {
      const absl::StatusOr<Fleet::ActorId> actor =
          fleet_.Join(request, [link = link_] { Wake(*link); });
      status = actor.status();
      if (actor.ok()) {
        SR2L_INFO("actor {} joined", actor_name_);
        absl::MutexLock lock(&link_->mu);
        actor_ = *actor;
        return SendNext();
      }
    }
    absl::MutexLock lock(&link_->mu);
    finished_ = true;
    Finish(ToGrpcStatus(status));
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&link_->mu);
    event_.reset();
    if (!ok) cancelled_ = true;
    SendNext();
  }

  void OnCancel() override {
    absl::MutexLock lock(&link_->mu);
    cancelled_ = true;
    SendNext();
  }

  void OnDone() override {
    Fleet::ActorId actor = 0;
    {
      absl::MutexLock lock(&link_->mu);
      link_->reactor = nullptr;
      actor = actor_;
    }
    if (actor != 0) {
      fleet_.Leave(actor);
      SR2L_INFO("actor {} left", actor_name_);
    }
    delete this;
  }

 private:
  static void Wake(Link& link) {
    absl::MutexLock lock(&link.mu);
    if (link.reactor != nullptr) link.reactor->SendNext();
  }

  // Starts the next write, or ends the call once it is cancelled and nothing is under way.
  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(link_->mu) {
    if (finished_ || event_ != nullptr || actor_ == 0) return;
    if (cancelled_) {
      finished_ = true;
      Finish(grpc::Status::CANCELLED);
      return;
    }
    event_ = fleet_.NextEvent(actor_);
    if (event_ != nullptr) StartWrite(event_.get());
  }

  Fleet& fleet_;
  const std::string actor_name_;
  const std::shared_ptr<Link> link_;
  Fleet::ActorId actor_ ABSL_GUARDED_BY(link_->mu) = 0;
  std::shared_ptr<const v1::FleetEvent> event_ ABSL_GUARDED_BY(link_->mu);  // being written
  bool cancelled_ ABSL_GUARDED_BY(link_->mu) = false;
  bool finished_ ABSL_GUARDED_BY(link_->mu) = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::FleetEvent>* FleetService::Join(
    grpc::CallbackServerContext* context, const v1::JoinRequest* request) {
  auto* reactor = new JoinReactor(fleet_, request->actor_name());
  reactor->Start(*request, RequireRole(*context, {"actor"}));
  return reactor;
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

}  // namespace sr2l
