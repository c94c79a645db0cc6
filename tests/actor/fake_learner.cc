#include "fake_learner.h"
#include "tests/common/keep_callback_threads.h"

#include <gtest/gtest.h>

namespace sr2l {

constexpr absl::Duration kPatience = absl::Minutes(1);

// One actor's Join. Deletes itself when the call is over.
class FakeLearner::Membership : public grpc::ServerWriteReactor<v1::FleetEvent> {
 public:
  Membership(FakeLearner& learner, size_t actor) : learner_(learner), actor_(actor) {}

  void Send(const v1::FleetEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(learner_.mu_) {
    events_.push_back(event);
    if (events_.size() == 1) StartWrite(&events_.front());
  }
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&learner_.mu_);
    events_.pop_front();
    if (ok && !events_.empty()) StartWrite(&events_.front());
  }
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override {
    {
      absl::MutexLock lock(&learner_.mu_);
      learner_.actors_[actor_].membership = nullptr;
    }
    delete this;
  }

 private:
  FakeLearner& learner_;
  const size_t actor_;
  std::deque<v1::FleetEvent> events_;  // the first one is being written; of learner_.mu_
};

FakeLearner::~FakeLearner() { Shutdown(); }

void FakeLearner::Start(const std::string& address) {
  KeepCallbackThreads();
  auto server = RpcServer::Start(address, TransportSecurity(), {this});
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

void FakeLearner::Shutdown() {
  if (server_ != nullptr) server_->Shutdown(absl::ZeroDuration());
  server_.reset();
}

void FakeLearner::AwaitJoined(size_t count) {
  absl::MutexLock lock(&mu_);
  const auto joined = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return actors_.size() >= count; };
  ASSERT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&joined), kPatience));
}

void FakeLearner::Send(size_t actor, const v1::FleetEvent& event) {
  absl::MutexLock lock(&mu_);
  if (actors_.at(actor).membership != nullptr) actors_[actor].membership->Send(event);
}

std::string FakeLearner::AwaitFailure() {
  absl::MutexLock lock(&mu_);
  const auto reported = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !failures_.empty(); };
  if (!mu_.AwaitWithTimeout(absl::Condition(&reported), kPatience)) return "no failure came";
  std::string failure = failures_.front();
  failures_.pop_front();
  return failure;
}

v1::ReportEvaluationRequest FakeLearner::AwaitEvaluation() {
  absl::MutexLock lock(&mu_);
  const auto reported = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !evaluations_.empty(); };
  if (!mu_.AwaitWithTimeout(absl::Condition(&reported), kPatience)) {
    ADD_FAILURE() << "no evaluation came";
    return {};
  }
  v1::ReportEvaluationRequest report = evaluations_.front();
  evaluations_.pop_front();
  return report;
}

std::string FakeLearner::actor_name(size_t actor) const {
  absl::MutexLock lock(&mu_);
  return actors_.at(actor).name;
}

grpc::ServerWriteReactor<v1::FleetEvent>* FakeLearner::Join(grpc::CallbackServerContext*,
                                                            const v1::JoinRequest* request) {
  absl::MutexLock lock(&mu_);
  auto* membership = new Membership(*this, actors_.size());
  actors_.push_back({request->actor_name(), membership});
  return membership;
}

grpc::ServerUnaryReactor* FakeLearner::ReportFailure(grpc::CallbackServerContext* context,
                                                     const v1::ReportFailureRequest* request,
                                                     v1::ReportFailureResponse*) {
  {
    absl::MutexLock lock(&mu_);
    failures_.push_back(request->experiment_id() + ": " + request->reason());
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* FakeLearner::ReportEvaluation(grpc::CallbackServerContext* context,
                                                        const v1::ReportEvaluationRequest* request,
                                                        v1::ReportEvaluationResponse*) {
  {
    absl::MutexLock lock(&mu_);
    evaluations_.push_back(*request);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace sr2l
