#include "deploy/cli/experiments_client.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/stoppable_context.h"
#include "common/status/status_macros.h"
#include "learner/service/experiment_store.h"

namespace sr2l {
namespace {

// A watch is opened anew so often, whatever happens to the connection under it.
constexpr absl::Duration kLongestWatch = absl::Minutes(30);

}  // namespace

absl::StatusOr<std::unique_ptr<ExperimentsClient>> ExperimentsClient::Create(
    const std::string& address, const TransportSecurity& security) {
  SR2L_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                        MakeChannel(address, security));
  return std::unique_ptr<ExperimentsClient>(
      new ExperimentsClient(address, v1::Experiments::NewStub(channel)));
}

template <typename Request, typename Response>
absl::StatusOr<Response> ExperimentsClient::Call(Method<Request, Response> method,
                                                 const Request& request,
                                                 const std::stop_token& stop,
                                                 absl::Duration timeout) const {
  StoppableContext context(stop, absl::Now() + timeout);
  Response response;
  SR2L_RETURN_IF_ERROR(Explain((stub_.get()->*method)(&*context, request, &response)));
  return response;
}

absl::StatusOr<v1::SubmitResponse> ExperimentsClient::Submit(const v1::SubmitRequest& request,
                                                             const std::stop_token& stop) const {
  return Call(&Stub::Submit, request, stop);
}

absl::StatusOr<std::vector<v1::Experiment>> ExperimentsClient::List(
    const std::stop_token& stop) const {
  std::vector<v1::Experiment> experiments;
  v1::ListRequest request;
  do {
    SR2L_ASSIGN_OR_RETURN(v1::ListResponse response, Call(&Stub::List, request, stop));
    for (v1::Experiment& experiment : *response.mutable_experiments()) {
      experiments.push_back(std::move(experiment));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return experiments;
}

absl::StatusOr<v1::Experiment> ExperimentsClient::Get(const std::string& experiment_id) const {
  v1::GetRequest request;
  request.set_experiment_id(experiment_id);
  return Call(&Stub::Get, request);
}

absl::StatusOr<v1::Experiment> ExperimentsClient::Cancel(const std::string& experiment_id,
                                                         const std::string& reason,
                                                         absl::Duration timeout) const {
  v1::CancelRequest request;
  request.set_experiment_id(experiment_id);
  request.set_reason(reason);
  return Call(&Stub::Cancel, request, /*stop=*/{}, timeout);
}

absl::StatusOr<v1::Experiment> ExperimentsClient::SetLimiter(
    const std::string& experiment_id, const v1::LimiterConfig& limiter) const {
  v1::SetLimiterRequest request;
  request.set_experiment_id(experiment_id);
  *request.mutable_limiter() = limiter;
  return Call(&Stub::SetLimiter, request);
}

absl::Status ExperimentsClient::Watch(const std::string& experiment_id,
                                      const std::function<void(const v1::Experiment&)>& on_update,
                                      const std::stop_token& stop) const {
  StoppableContext context(stop, absl::Now() + kLongestWatch);
  v1::GetRequest request;
  request.set_experiment_id(experiment_id);
  const auto reader = stub_->Watch(&*context, request);
  v1::Experiment experiment;
  while (reader->Read(&experiment)) on_update(experiment);
  SR2L_RETURN_IF_ERROR(Explain(reader->Finish()));
  if (HasEnded(experiment.state())) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("learner ", address_, ": the watch ended before the experiment"));
}

absl::Status ExperimentsClient::Explain(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  const absl::Status error = FromGrpcStatus(status);
  return absl::Status(error.code(),
                      absl::StrCat("learner ", address_, ": ", error.message()));
}

}  // namespace sr2l
