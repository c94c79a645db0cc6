#ifndef SR2L_LEARNER_SERVICE_FLEET_SERVICE_H_
#define SR2L_LEARNER_SERVICE_FLEET_SERVICE_H_

#include "learner/fleet/fleet.h"
#include "sr2l/v1/fleet.grpc.pb.h"

namespace sr2l {

// The fleet over RPC, for actors. Thread-safe; handlers never block.
class FleetService : public v1::Fleet::CallbackService {
 public:
  // Borrowed; must outlive the server.
  explicit FleetService(Fleet& fleet) : fleet_(fleet) {}

  grpc::ServerWriteReactor<v1::FleetEvent>* Join(grpc::CallbackServerContext* context,
                                                 const v1::JoinRequest* request) override;
  grpc::ServerUnaryReactor* ReportFailure(grpc::CallbackServerContext* context,
                                          const v1::ReportFailureRequest* request,
                                          v1::ReportFailureResponse* response) override;

 private:
  Fleet& fleet_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SERVICE_FLEET_SERVICE_H_
