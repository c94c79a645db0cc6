#include "actor/fleet/fleet_client.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/rpc/backoff.h"
#include "common/rpc/credentials.h"
#include "common/rpc/stoppable_context.h"

namespace sr2l {
namespace {

// How long a look at the replay's connection takes before the next one.
constexpr absl::Duration kReplayPatience = absl::Milliseconds(500);

}  // namespace

FleetClient::FleetClient(const std::shared_ptr<grpc::Channel>& learner,
                         std::shared_ptr<grpc::Channel> replay, v1::JoinRequest request,
                         uint64_t jitter_seed, Callbacks callbacks)
    : stub_(v1::Fleet::NewStub(learner)),
      replay_(std::move(replay)),
      request_(std::move(request)),
      jitter_seed_(jitter_seed),
      callbacks_(std::move(callbacks)),
      thread_([this] { Run(); }) {}

FleetClient::~FleetClient() { Close(); }

absl::Status FleetClient::ReportFailure(const std::string& experiment_id,
                                        const absl::Status& reason, absl::Time deadline,
                                        const std::stop_token& stop) {
  StoppableContext context(stop, deadline);
  v1::ReportFailureRequest request;
  request.set_experiment_id(experiment_id);
  request.set_reason(std::string(reason.message()));
  request.set_steps_lost(absl::IsDataLoss(reason));
  v1::ReportFailureResponse response;
  return FromGrpcStatus(stub_->ReportFailure(&*context, request, &response));
}

absl::Status FleetClient::ReportEvaluation(const v1::ReportEvaluationRequest& report,
                                           absl::Time deadline, const std::stop_token& stop) {
  StoppableContext context(stop, deadline);
  v1::ReportEvaluationResponse response;
  return FromGrpcStatus(stub_->ReportEvaluation(&*context, report, &response));
}

void FleetClient::StepAside(const std::string& reason) {
  SR2L_WARNING("leaving the fleet for now: {}", reason);
  absl::MutexLock lock(&mu_);
  if (context_ != nullptr) context_->TryCancel();
}

bool FleetClient::AwaitReplay() {
  bool mentioned = false;
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (closed_) return false;
    }
    if (replay_->WaitForConnected(absl::ToChronoTime(absl::Now() + kReplayPatience))) return true;
    if (!mentioned) SR2L_WARNING("the replay cannot be reached; joining the fleet when it can");
    mentioned = true;
  }
}

void FleetClient::Close() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  std::call_once(joined_, [this] { thread_.join(); });
}

void FleetClient::Run() {
  Backoff backoff(jitter_seed_);
  std::string last_error;
  while (AwaitReplay()) {
    grpc::ClientContext context;
    {
      absl::MutexLock lock(&mu_);
      if (closed_) return;
      context_ = &context;
    }
    grpc::Status status;
    const bool had_event = Stay(context, status);
    callbacks_.left();
    absl::MutexLock lock(&mu_);
    context_ = nullptr;
    if (closed_) return;
    if (had_event) backoff.Reset();
    // One line when the connection is lost, not one for each attempt to get a new one.
    const std::string error = FromGrpcStatus(status).ToString();
    if (had_event || error != last_error) SR2L_WARNING("not in the learner's fleet: {}", error);
    last_error = error;
    if (mu_.AwaitWithTimeout(absl::Condition(&closed_), backoff.Next())) return;
  }
}

bool FleetClient::Stay(grpc::ClientContext& context, grpc::Status& status) {
  // No deadline: a membership lasts. Keepalive notices a learner that is gone.
  const auto reader = stub_->Join(&context, request_);
  bool had_event = false;
  while (true) {
    auto event = std::make_shared<v1::FleetEvent>();
    if (!reader->Read(event.get())) break;
    had_event = true;
    callbacks_.event(std::move(event));
  }
  status = reader->Finish();
  return had_event;
}

}  // namespace sr2l
