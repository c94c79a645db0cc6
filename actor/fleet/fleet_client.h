#ifndef SR2L_ACTOR_FLEET_FLEET_CLIENT_H_
#define SR2L_ACTOR_FLEET_FLEET_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "sr2l/v1/fleet.grpc.pb.h"

namespace sr2l {

// An actor's membership in a learner's fleet: joins, and joins again whenever the
// connection is lost. Thread-safe.
class FleetClient {
 public:
  // Both come from one thread, in order: the events of a membership, then its end.
  struct Callbacks {
    std::function<void(std::shared_ptr<const v1::FleetEvent>)> event;
    std::function<void()> left;
  };

  // Joins as soon as the replay can be reached. `jitter_seed` spreads the reconnections of
  // many actors.
  FleetClient(const std::shared_ptr<grpc::Channel>& learner,
              std::shared_ptr<grpc::Channel> replay, v1::JoinRequest request,
              uint64_t jitter_seed, Callbacks callbacks);

  // Calls Close.
  ~FleetClient();

  // Blocks until the answer, the deadline or a request of `stop`. `reason` as
  // DriverPorts::ReportFailure.
  absl::Status ReportFailure(const std::string& experiment_id, const absl::Status& reason,
                             absl::Time deadline, const std::stop_token& stop);

  // Likewise.
  absl::Status ReportEvaluation(const v1::ReportEvaluationRequest& report, absl::Time deadline,
                                const std::stop_token& stop);

  // Leaves, and joins again when the replay can be reached.
  void StepAside(const std::string& reason) ABSL_LOCKS_EXCLUDED(mu_);

  // Leaves. After it returned no callback runs any more. Must not be called from one.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  // Returns when the replay is connected; false once closed.
  bool AwaitReplay() ABSL_LOCKS_EXCLUDED(mu_);
  // One membership, from joining to its end. Whether an event came.
  bool Stay(grpc::ClientContext& context, grpc::Status& status);

  const std::unique_ptr<v1::Fleet::Stub> stub_;
  const std::shared_ptr<grpc::Channel> replay_;
  const v1::JoinRequest request_;
  const uint64_t jitter_seed_;
  const Callbacks callbacks_;
  std::once_flag joined_;
  absl::Mutex mu_;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;  // of the running Join
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // last: uses everything above
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_FLEET_FLEET_CLIENT_H_
