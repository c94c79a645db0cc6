#include "learner/service/experiment_service.h"

#include <grpcpp/alarm.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"
#include "common/rpc/self_owned_reactor.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr absl::Duration kWatchInterval = absl::Milliseconds(100);

absl::Status RequireOperator(const grpc::CallbackServerContext& context) {
  return RequireRole(context, {"operator", "learner"});
}

template <typename Message>
absl::Status Assign(absl::StatusOr<Message> result, Message* response) {
  if (result.ok()) *response = *std::move(result);
  return result.status();
}

// Sends the experiment whenever it changed, looking every kWatchInterval, until it ended.
// One step runs at a time: a write, or the wait for the next look.
class WatchReactor : public SelfOwnedReactor<grpc::ServerWriteReactor<v1::Experiment>> {
 public:
  WatchReactor(const ExperimentService& service, const ExperimentQueue& queue,
               std::string experiment_id, absl::Status permission)
      : service_(service),
        queue_(queue),
        experiment_id_(std::move(experiment_id)),
        permission_(std::move(permission)) {}

  void OnWriteDone(bool ok) override {
    if (!ok || HasEnded(experiment_.state())) {
      Finish(grpc::Status::OK);
    } else {
      WaitForNextLook();
    }
  }
  void OnCancel() override { cancelled_ = true; }

 private:
  void Begin() override {
    if (permission_.ok()) {
      Look();
    } else {
      Finish(ToGrpcStatus(permission_));
    }
  }

  void Look() {
    const uint64_t changes = queue_.changes();
    if (changes == seen_) return WaitForNextLook();
    seen_ = changes;
    absl::StatusOr<v1::Experiment> experiment =
        service_.Describe(experiment_id_, ExperimentStore::Detail::kWithoutConfig);
    if (!experiment.ok()) return Finish(ToGrpcStatus(experiment.status()));
    experiment_ = *std::move(experiment);
    StartWrite(&experiment_);
  }

  void WaitForNextLook() {
    // A new alarm each time: the one whose callback runs now must not be set again.
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(absl::ToChronoTime(absl::Now() + kWatchInterval), [this](bool) {
      if (cancelled_) {
        Finish(grpc::Status::CANCELLED);
      } else {
        Look();
      }
    });
  }

  const ExperimentService& service_;
  const ExperimentQueue& queue_;
  const std::string experiment_id_;
  const absl::Status permission_;
  uint64_t seen_ = 0;
  v1::Experiment experiment_;
  std::unique_ptr<grpc::Alarm> alarm_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace

absl::StatusOr<v1::Experiment> ExperimentService::Describe(
    const std::string& experiment_id, ExperimentStore::Detail detail) const {
  SR2L_ASSIGN_OR_RETURN(v1::Experiment experiment, queue_.Get(experiment_id, detail));
  experiment.mutable_progress()->set_actors(fleet_.num_actors());
  return experiment;
}

grpc::ServerUnaryReactor* ExperimentService::Submit(grpc::CallbackServerContext* context,
                                                    const v1::SubmitRequest* request,
                                                    v1::SubmitResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status status = RequireOperator(*context);
  if (status.ok()) status = Assign(queue_.Submit(*request), response);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* ExperimentService::List(grpc::CallbackServerContext* context,
                                                  const v1::ListRequest* request,
                                                  v1::ListResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status status = RequireOperator(*context);
  if (status.ok()) status = Assign(queue_.List(*request), response);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* ExperimentService::Get(grpc::CallbackServerContext* context,
                                                 const v1::GetRequest* request,
                                                 v1::Experiment* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status status = RequireOperator(*context);
  if (status.ok()) {
    status = Assign(Describe(request->experiment_id(), ExperimentStore::Detail::kAll), response);
  }
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerWriteReactor<v1::Experiment>* ExperimentService::Watch(
    grpc::CallbackServerContext* context, const v1::GetRequest* request) {
  return WatchReactor::Start(std::make_shared<WatchReactor>(
      *this, queue_, request->experiment_id(), RequireOperator(*context)));
}

grpc::ServerUnaryReactor* ExperimentService::Cancel(grpc::CallbackServerContext* context,
                                                    const v1::CancelRequest* request,
                                                    v1::Experiment* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::Status status = RequireOperator(*context);
  if (status.ok()) status = Assign(queue_.Cancel(*request), response);
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

grpc::ServerUnaryReactor* ExperimentService::SetLimiter(grpc::CallbackServerContext* context,
                                                        const v1::SetLimiterRequest* request,
                                                        v1::Experiment* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (const absl::Status status = RequireOperator(*context); !status.ok()) {
    reactor->Finish(ToGrpcStatus(status));
    return reactor;
  }
  absl::MutexLock lock(&mu_);
  std::erase_if(limiter_calls_, [](const std::future<void>& call) {
    return call.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  limiter_calls_.push_back(std::async(std::launch::async, [this, request, response, reactor] {
    reactor->Finish(ToGrpcStatus(Assign(queue_.SetLimiter(*request), response)));
  }));
  return reactor;
}

}  // namespace sr2l
