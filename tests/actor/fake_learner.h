#ifndef SR2L_TESTS_ACTOR_FAKE_LEARNER_H_
#define SR2L_TESTS_ACTOR_FAKE_LEARNER_H_

#include <grpcpp/grpcpp.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/rpc/server.h"
#include "sr2l/v1/fleet.grpc.pb.h"

namespace sr2l {

// A fleet service that says what a test tells it to say. Actors are numbered in the order
// in which they join; one that joins again has a new number. Thread-safe.
class FakeLearner : public v1::Fleet::CallbackService {
 public:
  ~FakeLearner() override;

  // Listens; once more after Shutdown, as a learner that was restarted.
  void Start(const std::string& address);
  // Ends every membership and stops listening.
  void Shutdown();

  // Waits until `count` actors have ever joined; fails the test after a minute.
  void AwaitJoined(size_t count) ABSL_LOCKS_EXCLUDED(mu_);
  void Send(size_t actor, const v1::FleetEvent& event) ABSL_LOCKS_EXCLUDED(mu_);
  // The oldest failure that was reported and not yet taken; fails after a minute.
  std::string AwaitFailure() ABSL_LOCKS_EXCLUDED(mu_);
  // The oldest evaluation that was reported and not yet taken; fails after a minute.
  v1::ReportEvaluationRequest AwaitEvaluation() ABSL_LOCKS_EXCLUDED(mu_);
  std::string actor_name(size_t actor) const ABSL_LOCKS_EXCLUDED(mu_);

  grpc::ServerWriteReactor<v1::FleetEvent>* Join(grpc::CallbackServerContext* context,
                                                 const v1::JoinRequest* request) override;
  grpc::ServerUnaryReactor* ReportFailure(grpc::CallbackServerContext* context,
                                          const v1::ReportFailureRequest* request,
                                          v1::ReportFailureResponse* response) override;
  grpc::ServerUnaryReactor* ReportEvaluation(grpc::CallbackServerContext* context,
                                             const v1::ReportEvaluationRequest* request,
                                             v1::ReportEvaluationResponse* response) override;

 private:
  class Membership;
  struct Actor {
    std::string name;
    Membership* membership = nullptr;  // null: it left
  };

  mutable absl::Mutex mu_;
  std::vector<Actor> actors_ ABSL_GUARDED_BY(mu_);
  std::deque<std::string> failures_ ABSL_GUARDED_BY(mu_);
  std::deque<v1::ReportEvaluationRequest> evaluations_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<RpcServer> server_;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_ACTOR_FAKE_LEARNER_H_
