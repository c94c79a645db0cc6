#ifndef SR2L_REPLAY_CLIENT_REPLAY_CLIENT_H_
#define SR2L_REPLAY_CLIENT_REPLAY_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "sr2l/v1/replay.grpc.pb.h"

namespace sr2l {

// The learner's and operators' side of a replay server. Every call blocks until its
// answer or its deadline, an answer of many messages as long as they keep coming; Unavailable
// means that the server could not be reached, and that the same call may be made again;
// Cancelled, that `stop` was requested, which ends a call at once. Thread-safe.
class ReplayClient {
 public:
  // How long a message of an answer may take, the first one after the wait that was asked for.
  static constexpr absl::Duration kMessagePatience = absl::Seconds(60);

  // Connects lazily. InvalidArgument: see MakeChannel.
  static absl::StatusOr<std::unique_ptr<ReplayClient>> Create(
      const std::string& address, const TransportSecurity& security);

  explicit ReplayClient(const std::shared_ptr<grpc::Channel>& channel,
                        absl::Duration patience = kMessagePatience)
      : patience_(patience), stub_(v1::Replay::NewStub(channel)) {}

  absl::Status CreateTables(const std::vector<v1::TableSpec>& tables,
                            const std::stop_token& stop = {});

  // The chunks of a round of the members, by (member, stream, step). DeadlineExceeded
  // after `max_wait`, in [0, 60] s, with a message that says who is waited for; OutOfRange
  // if the round was released; Unavailable if the experiment was dropped meanwhile.
  absl::StatusOr<std::vector<v1::Chunk>> ReadRound(const std::string& experiment_id,
                                                   const std::vector<uint32_t>& members,
                                                   uint64_t round, absl::Duration max_wait,
                                                   const std::stop_token& stop = {});

  // Draws rows, see v1::SampleRequest; `on_part` gets each part of the answer, on this thread.
  // An error of its ends the call and is returned. DeadlineExceeded after the request's
  // max_wait_seconds, in [0, 60], with a message that says who is waited for; Unavailable if the
  // experiment was dropped meanwhile.
  absl::Status Sample(const v1::SampleRequest& request,
                      const std::function<absl::Status(v1::SampleResponse)>& on_part,
                      const std::stop_token& stop = {});

  // Replaces the limits of the members' tables from now on.
  absl::Status SetLimits(const std::string& experiment_id, const std::vector<uint32_t>& members,
                         const v1::TableLimits& limits, const std::stop_token& stop = {});

  // Forgets the members' rounds before `before_round`.
  absl::Status ReleaseRounds(const std::string& experiment_id, const std::vector<uint32_t>& members,
                             uint64_t before_round, const std::stop_token& stop = {});

  absl::Status DropExperiment(const std::string& experiment_id, const std::stop_token& stop = {});

  // Waits until every step that was stored before is as durable as the replay ever makes it; what
  // it outlives then. DeadlineExceeded after `timeout`: as long as the replay's disk fails.
  absl::StatusOr<v1::AppendResponse::Durability> Sync(absl::Duration timeout);

  // The tables of one experiment, or of all if `experiment_id` is empty.
  absl::StatusOr<v1::DescribeTablesResponse> DescribeTables(const std::string& experiment_id,
                                                            const std::stop_token& stop = {});

 private:
  const absl::Duration patience_;
  const std::unique_ptr<v1::Replay::Stub> stub_;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CLIENT_REPLAY_CLIENT_H_
