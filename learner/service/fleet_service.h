#ifndef SR2L_LEARNER_SERVICE_FLEET_SERVICE_H_
#define SR2L_LEARNER_SERVICE_FLEET_SERVICE_H_

#include "absl/time/time.h"
#include "common/rpc/write_guard.h"
#include "learner/fleet/fleet.h"
#include "sr2l/v1/fleet.grpc.pb.h"

namespace sr2l {

// The fleet over RPC, for actors. Thread-safe; handlers never block.
class FleetService : public v1::Fleet::CallbackService {
 public:
  // The fleet is borrowed and must outlive the server. An actor that leaves an event untaken
  // for `patience` has to join again.
  explicit FleetService(Fleet& fleet, absl::Duration patience = WriteGuard::kPatience)
      : fleet_(fleet), patience_(patience) {}

  grpc::ServerWriteReactor<v1::FleetEvent>* Join(grpc::CallbackServerContext* context,
                                                 const v1::JoinRequest* request) override;
  grpc::ServerUnaryReactor* ReportFailure(grpc::CallbackServerContext* context,
                                          const v1::ReportFailureRequest* request,
                                          v1::ReportFailureResponse* response) override;
  grpc::ServerUnaryReactor* ReportEvaluation(grpc::CallbackServerContext* context,
                                             const v1::ReportEvaluationRequest* request,
                                             v1::ReportEvaluationResponse* response) override;

 private:
  Fleet& fleet_;
  const absl::Duration patience_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SERVICE_FLEET_SERVICE_H_
