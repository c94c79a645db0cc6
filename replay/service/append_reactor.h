#ifndef SR2L_REPLAY_SERVICE_APPEND_REACTOR_H_
#define SR2L_REPLAY_SERVICE_APPEND_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/self_owned_reactor.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_metrics.h"

namespace sr2l {

// One Append call: answers each chunk, in order, with at most kMaxAnswers answers waiting
// for the client to take them; then it reads no further. Messages are decoded here, so
// that one that does not decode is told from the end of the stream: it ends the call with
// InvalidArgument.
class AppendReactor final
    : public SelfOwnedReactor<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>> {
 public:
  static constexpr size_t kMaxAnswers = 64;

  // Both are borrowed and outlive the server.
  AppendReactor(ReplayStore& store, ReplayMetrics& metrics);
  ~AppendReactor() override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;

 protected:
  void Begin() override;

 private:
  // Decodes the message in `incoming_`, stores its chunk and makes the answer. An error
  // ends the call.
  absl::StatusOr<v1::AppendResponse> Answer();
  absl::StatusOr<v1::AppendResponse> AnswerChunk(ChunkPtr chunk);
  // Sends the answer once what it says is as durable as it gets. Answers keep their order.
  void AnswerWhenDurable(v1::AppendResponse response) ABSL_LOCKS_EXCLUDED(mu_);
  void OnDurable(uint64_t number, absl::StatusOr<grpc::ByteBuffer> encoded)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Ends the call with an error after the answers before it.
  void Fail(absl::Status status) ABSL_LOCKS_EXCLUDED(mu_);

  // Starts whatever can go on: a write, a read, or the end of the call.
  void Continue() ABSL_LOCKS_EXCLUDED(mu_);

  ReplayStore& store_;
  ReplayMetrics& metrics_;
  const uint64_t call_;        // its number, from 1 on
  grpc::ByteBuffer incoming_;  // used by the read in flight alone
  grpc::ByteBuffer outgoing_;  // used by the write in flight alone
  absl::Mutex mu_;             // never held while calling gRPC
  // In the order of their chunks; the empty ones wait for the log.
  std::deque<std::optional<grpc::ByteBuffer>> answers_ ABSL_GUARDED_BY(mu_);
  uint64_t first_answer_ ABSL_GUARDED_BY(mu_) = 0;  // the number of answers_.front()
  size_t held_back_ ABSL_GUARDED_BY(mu_) = 0;       // answers that the log will still call for
  bool gone_ ABSL_GUARDED_BY(mu_) = false;     // nobody takes answers any more
  bool reading_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;     // nothing more will be read
  bool finished_ ABSL_GUARDED_BY(mu_) = false;  // Finish was called
  absl::Status status_ ABSL_GUARDED_BY(mu_);    // to end the call with
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_APPEND_REACTOR_H_
