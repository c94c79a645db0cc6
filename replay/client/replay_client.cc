#include "replay/client/replay_client.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr absl::Duration kCallDeadline = absl::Seconds(10);
// For the transfer of a whole round or of drawn rows, after the wait for them.
constexpr absl::Duration kTransferDeadline = absl::Seconds(60);

void SetDeadline(grpc::ClientContext& context, absl::Duration limit) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + limit));
}

// This side cancels no call whose answer it returns: CANCELLED is the server's, which shuts
// down or has lost patience, and the call may be made again.
absl::Status FromReplay(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::CANCELLED) return FromGrpcStatus(status);
  return absl::UnavailableError("it ended the call: " + status.error_message());
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReplayClient>> ReplayClient::Create(
    const std::string& address, const TransportSecurity& security) {
  SR2L_ASSIGN_OR_RETURN(const auto channel, MakeChannel(address, security));
  return std::make_unique<ReplayClient>(channel);
}

absl::Status ReplayClient::CreateTables(const std::vector<v1::TableSpec>& tables) {
  grpc::ClientContext context;
  SetDeadline(context, kCallDeadline);
  v1::CreateTablesRequest request;
  request.mutable_tables()->Add(tables.begin(), tables.end());
  v1::CreateTablesResponse response;
  return FromReplay(stub_->CreateTables(&context, request, &response));
}

absl::StatusOr<std::vector<v1::Chunk>> ReplayClient::ReadRound(
    const std::string& experiment_id, const std::vector<uint32_t>& members, uint64_t round,
    absl::Duration max_wait) {
  grpc::ClientContext context;
  SetDeadline(context, max_wait + kTransferDeadline);
  v1::ReadRoundRequest request;
  request.set_experiment_id(experiment_id);
  request.mutable_members()->Add(members.begin(), members.end());
  request.set_round(round);
  request.set_max_wait_seconds(absl::ToDoubleSeconds(max_wait));
  const auto reader = stub_->ReadRound(&context, request);
  std::vector<v1::Chunk> chunks;
  v1::ReadRoundResponse response;
  while (reader->Read(&response)) chunks.push_back(std::move(*response.mutable_chunk()));
  SR2L_RETURN_IF_ERROR(FromReplay(reader->Finish()));
  return chunks;
}

absl::Status ReplayClient::Sample(
    const v1::SampleRequest& request,
    const std::function<absl::Status(v1::SampleResponse)>& on_part) {
  grpc::ClientContext context;
  // A wait that the server refuses must not make an odd deadline here.
  const double max_wait = std::fmin(std::fmax(request.max_wait_seconds(), 0), 60);
  SetDeadline(context, absl::Seconds(max_wait) + kTransferDeadline);
  const auto reader = stub_->Sample(&context, request);
  v1::SampleResponse part;
  absl::Status taken;
  while (taken.ok() && reader->Read(&part)) taken = on_part(std::move(part));
  if (!taken.ok()) context.TryCancel();
  const absl::Status status = FromReplay(reader->Finish());
  return taken.ok() ? status : taken;
}

absl::Status ReplayClient::SetLimits(const std::string& experiment_id,
                                     const std::vector<uint32_t>& members,
                                     const v1::TableLimits& limits) {
  grpc::ClientContext context;
  SetDeadline(context, kCallDeadline);
  v1::SetLimitsRequest request;
  request.set_experiment_id(experiment_id);
  request.mutable_members()->Add(members.begin(), members.end());
  *request.mutable_limits() = limits;
  v1::SetLimitsResponse response;
  return FromReplay(stub_->SetLimits(&context, request, &response));
}

absl::Status ReplayClient::ReleaseRounds(const std::string& experiment_id,
                                         const std::vector<uint32_t>& members,
                                         uint64_t before_round) {
  grpc::ClientContext context;
  SetDeadline(context, kCallDeadline);
  v1::ReleaseRoundsRequest request;
  request.set_experiment_id(experiment_id);
  request.mutable_members()->Add(members.begin(), members.end());
  request.set_before_round(before_round);
  v1::ReleaseRoundsResponse response;
  return FromReplay(stub_->ReleaseRounds(&context, request, &response));
}

absl::Status ReplayClient::DropExperiment(const std::string& experiment_id) {
  grpc::ClientContext context;
  SetDeadline(context, kCallDeadline);
  v1::DropExperimentRequest request;
  request.set_experiment_id(experiment_id);
  v1::DropExperimentResponse response;
  return FromReplay(stub_->DropExperiment(&context, request, &response));
}

absl::StatusOr<v1::AppendResponse::Durability> ReplayClient::Sync(absl::Duration timeout) {
  grpc::ClientContext context;
  SetDeadline(context, timeout);
  v1::SyncResponse response;
  const absl::Status status = FromReplay(stub_->Sync(&context, v1::SyncRequest(), &response));
  if (absl::IsDeadlineExceeded(status)) {
    return absl::DeadlineExceededError(absl::StrCat(
        "the replay's log was not synced within ", absl::FormatDuration(timeout)));
  }
  SR2L_RETURN_IF_ERROR(status);
  return response.durability();
}

absl::StatusOr<v1::DescribeTablesResponse> ReplayClient::DescribeTables(
    const std::string& experiment_id) {
  grpc::ClientContext context;
  SetDeadline(context, kCallDeadline);
  v1::DescribeTablesRequest request;
  request.set_experiment_id(experiment_id);
  v1::DescribeTablesResponse response;
  SR2L_RETURN_IF_ERROR(FromReplay(stub_->DescribeTables(&context, request, &response)));
  return response;
}

}  // namespace sr2l
