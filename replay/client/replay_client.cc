#include "replay/client/replay_client.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/stoppable_context.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr absl::Duration kCallDeadline = absl::Seconds(10);

// This side cancels no call whose answer it returns: CANCELLED is the server's, which shuts
// down or has lost patience, and the call may be made again.
absl::Status FromReplay(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::CANCELLED) return FromGrpcStatus(status);
  return absl::UnavailableError("it ended the call: " + status.error_message());
}

// What the replay answers to one request within `limit`. A request of `stop` ends the call.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(v1::Replay::Stub& stub,
                              grpc::Status (v1::Replay::Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Response*),
                              const Request& request, const std::stop_token& stop,
                              absl::Duration limit = kCallDeadline) {
  StoppableContext context(stop, absl::Now() + limit);
  Response response;
  const grpc::Status status = (stub.*method)(&*context, request, &response);
  if (status.ok()) return response;
  if (stop.stop_requested()) return absl::CancelledError("stopped");
  return FromReplay(status);
}

// One call whose answer comes in many messages, read on the caller's thread. However long the
// whole takes, no message may be awaited for longer than its patience.
template <typename Response>
class MessageReader {
 public:
  // `prepare`(context, queue): the stub's PrepareAsync. A request of `stop` ends the call.
  template <typename Prepare>
  MessageReader(const std::stop_token& stop, Prepare prepare)
      : stop_(stop), context_(stop), reader_(prepare(&*context_, &queue_)) {
    reader_->StartCall(&queue_);
  }

  // Reads to the end. Ends the call, and returns the error, when `on_message` has one;
  // Unavailable when nothing came for `first`, or for `next` after the first message.
  template <typename OnMessage>
  absl::Status Read(absl::Duration first, absl::Duration next, OnMessage on_message) {
    absl::Status ended;
    absl::Duration patience = first;
    absl::Time limit = absl::Now() + first;
    Response message;
    bool more = Await(limit, patience, ended);
    while (more) {
      reader_->Read(&message, &queue_);
      more = Await(limit, patience, ended);
      if (!more) break;
      ended = on_message(std::move(message));
      if (!ended.ok()) context_->TryCancel();
      more = ended.ok();
      patience = next;
      limit = absl::Now() + next;
    }
    grpc::Status status;
    reader_->Finish(&status, &queue_);
    Await(absl::Now() + next, next, ended);
    if (!ended.ok()) return ended;
    if (stop_.stop_requested()) return absl::CancelledError("stopped");
    return FromReplay(status);
  }

 private:
  // Waits for the one operation that is under way; whether it succeeded. At `limit`, which is the
  // end of `patience`, it ends the call.
  bool Await(absl::Time limit, absl::Duration patience, absl::Status& ended) {
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, absl::ToChronoTime(limit)) ==
        grpc::CompletionQueue::GOT_EVENT) {
      return ok;
    }
    ended = absl::UnavailableError(
        absl::StrCat("it sent nothing for ", absl::FormatDuration(patience)));
    context_->TryCancel();
    queue_.Next(&tag, &ok);
    return false;
  }

  const std::stop_token stop_;
  StoppableContext context_;
  grpc::CompletionQueue queue_;
  const std::unique_ptr<grpc::ClientAsyncReader<Response>> reader_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ReplayClient>> ReplayClient::Create(
    const std::string& address, const TransportSecurity& security) {
  SR2L_ASSIGN_OR_RETURN(const auto channel, MakeChannel(address, security));
  return std::make_unique<ReplayClient>(channel);
}

absl::Status ReplayClient::CreateTables(const std::vector<v1::TableSpec>& tables,
                                        const std::stop_token& stop) {
  v1::CreateTablesRequest request;
  request.mutable_tables()->Add(tables.begin(), tables.end());
  return Call(*stub_, &v1::Replay::Stub::CreateTables, request, stop).status();
}

absl::StatusOr<std::vector<v1::Chunk>> ReplayClient::ReadRound(const std::string& experiment_id,
                                                               const std::vector<uint32_t>& members,
                                                               uint64_t round,
                                                               absl::Duration max_wait,
                                                               const std::stop_token& stop) {
  v1::ReadRoundRequest request;
  request.set_experiment_id(experiment_id);
  request.mutable_members()->Add(members.begin(), members.end());
  request.set_round(round);
  request.set_max_wait_seconds(absl::ToDoubleSeconds(max_wait));
  MessageReader<v1::ReadRoundResponse> reader(stop, [&](auto* context, auto* queue) {
    return stub_->PrepareAsyncReadRound(context, request, queue);
  });
  std::vector<v1::Chunk> chunks;
  SR2L_RETURN_IF_ERROR(
      reader.Read(max_wait + patience_, patience_, [&chunks](v1::ReadRoundResponse response) {
        chunks.push_back(std::move(*response.mutable_chunk()));
        return absl::OkStatus();
      }));
  return chunks;
}

absl::Status ReplayClient::Sample(const v1::SampleRequest& request,
                                  const std::function<absl::Status(v1::SampleResponse)>& on_part,
                                  const std::stop_token& stop) {
  // A wait that the server refuses must not make an odd deadline here.
  const double max_wait = std::fmin(std::fmax(request.max_wait_seconds(), 0), 60);
  MessageReader<v1::SampleResponse> reader(stop, [&](auto* context, auto* queue) {
    return stub_->PrepareAsyncSample(context, request, queue);
  });
  return reader.Read(absl::Seconds(max_wait) + patience_, patience_, on_part);
}

absl::Status ReplayClient::SetLimits(const std::string& experiment_id,
                                     const std::vector<uint32_t>& members,
                                     const v1::TableLimits& limits, const std::stop_token& stop) {
  v1::SetLimitsRequest request;
  request.set_experiment_id(experiment_id);
  request.mutable_members()->Add(members.begin(), members.end());
  *request.mutable_limits() = limits;
  return Call(*stub_, &v1::Replay::Stub::SetLimits, request, stop).status();
}

absl::Status ReplayClient::ReleaseRounds(const std::string& experiment_id,
                                         const std::vector<uint32_t>& members,
                                         uint64_t before_round, const std::stop_token& stop) {
  v1::ReleaseRoundsRequest request;
  request.set_experiment_id(experiment_id);
  request.mutable_members()->Add(members.begin(), members.end());
  request.set_before_round(before_round);
  return Call(*stub_, &v1::Replay::Stub::ReleaseRounds, request, stop).status();
}

absl::Status ReplayClient::DropExperiment(const std::string& experiment_id,
                                          const std::stop_token& stop) {
  v1::DropExperimentRequest request;
  request.set_experiment_id(experiment_id);
  return Call(*stub_, &v1::Replay::Stub::DropExperiment, request, stop).status();
}

absl::StatusOr<v1::AppendResponse::Durability> ReplayClient::Sync(absl::Duration timeout) {
  const absl::StatusOr<v1::SyncResponse> response =
      Call(*stub_, &v1::Replay::Stub::Sync, v1::SyncRequest(), /*stop=*/{}, timeout);
  if (absl::IsDeadlineExceeded(response.status())) {
    return absl::DeadlineExceededError(absl::StrCat(
        "the replay's log was not synced within ", absl::FormatDuration(timeout)));
  }
  SR2L_RETURN_IF_ERROR(response.status());
  return response->durability();
}

absl::StatusOr<v1::DescribeTablesResponse> ReplayClient::DescribeTables(
    const std::string& experiment_id, const std::stop_token& stop) {
  v1::DescribeTablesRequest request;
  request.set_experiment_id(experiment_id);
  return Call(*stub_, &v1::Replay::Stub::DescribeTables, request, stop);
}

}  // namespace sr2l
