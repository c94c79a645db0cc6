#ifndef SR2L_DEPLOY_CLI_EXPERIMENTS_CLIENT_H_
#define SR2L_DEPLOY_CLI_EXPERIMENTS_CLIENT_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/experiment.grpc.pb.h"

namespace sr2l {

// A learner's Experiments service, as an operator calls it. Every call has a deadline,
// and its errors name the learner's address; a request of `stop` ends a call at once, with
// Cancelled. Thread-safe.
class ExperimentsClient {
 public:
  // Does not connect yet. InvalidArgument when the address or its security is wrong.
  static absl::StatusOr<std::unique_ptr<ExperimentsClient>> Create(
      const std::string& address, const TransportSecurity& security);

  absl::StatusOr<v1::SubmitResponse> Submit(const v1::SubmitRequest& request,
                                            const std::stop_token& stop = {}) const;

  // All of them, newest first.
  absl::StatusOr<std::vector<v1::Experiment>> List(const std::stop_token& stop = {}) const;

  absl::StatusOr<v1::Experiment> Get(const std::string& experiment_id) const;

  absl::StatusOr<v1::Experiment> Cancel(const std::string& experiment_id,
                                        const std::string& reason,
                                        absl::Duration timeout = kTimeout) const;

  // Fields of `limiter` that are not set stay as they are. Answers with the whole experiment.
  absl::StatusOr<v1::Experiment> SetLimiter(const std::string& experiment_id,
                                            const v1::LimiterConfig& limiter) const;

  // Calls `on_update` with the experiment now and after every change, until it has
  // ended (OK) or the connection has; then the caller may watch again.
  absl::Status Watch(const std::string& experiment_id,
                     const std::function<void(const v1::Experiment&)>& on_update,
                     const std::stop_token& stop) const;

 private:
  using Stub = v1::Experiments::Stub;
  template <typename Request, typename Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

  static constexpr absl::Duration kTimeout = absl::Seconds(20);

  ExperimentsClient(std::string address, std::unique_ptr<Stub> stub)
      : address_(std::move(address)), stub_(std::move(stub)) {}

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request,
                                const std::stop_token& stop = {},
                                absl::Duration timeout = kTimeout) const;
  absl::Status Explain(const grpc::Status& status) const;

  const std::string address_;
  const std::unique_ptr<Stub> stub_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_EXPERIMENTS_CLIENT_H_
