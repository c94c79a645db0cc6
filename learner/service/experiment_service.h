#ifndef SR2L_LEARNER_SERVICE_EXPERIMENT_SERVICE_H_
#define SR2L_LEARNER_SERVICE_EXPERIMENT_SERVICE_H_

#include <future>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "learner/fleet/fleet.h"
#include "learner/service/experiment_queue.h"
#include "sr2l/v1/experiment.grpc.pb.h"

namespace sr2l {

// Experiments over RPC, for operators. Thread-safe; handlers wait for nothing but the
// experiment store's file. SetLimiter, which asks the replay, goes on in a thread of its own.
class ExperimentService : public v1::Experiments::CallbackService {
 public:
  // Both are borrowed.
  ExperimentService(ExperimentQueue& queue, const Fleet& fleet) : queue_(queue), fleet_(fleet) {}

  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context,
                                   const v1::SubmitRequest* request,
                                   v1::SubmitResponse* response) override;
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context,
                                 const v1::ListRequest* request,
                                 v1::ListResponse* response) override;
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const v1::GetRequest* request,
                                v1::Experiment* response) override;
  grpc::ServerWriteReactor<v1::Experiment>* Watch(grpc::CallbackServerContext* context,
                                                  const v1::GetRequest* request) override;
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext* context,
                                   const v1::CancelRequest* request,
                                   v1::Experiment* response) override;
  grpc::ServerUnaryReactor* SetLimiter(grpc::CallbackServerContext* context,
                                       const v1::SetLimiterRequest* request,
                                       v1::Experiment* response) override;

  // An experiment as callers see it: with the number of connected actors.
  absl::StatusOr<v1::Experiment> Describe(const std::string& experiment_id,
                                          ExperimentStore::Detail detail) const;

 private:
  ExperimentQueue& queue_;
  const Fleet& fleet_;
  absl::Mutex mu_;
  // SetLimiter calls under way, and some that are over; destroying one waits for it.
  std::vector<std::future<void>> limiter_calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_SERVICE_EXPERIMENT_SERVICE_H_
