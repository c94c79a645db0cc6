#ifndef SR2L_REPLAY_CLIENT_APPEND_CONNECTION_H_
#define SR2L_REPLAY_CLIENT_APPEND_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "replay/wire/chunk_loan.h"
#include "sr2l/v1/replay.grpc.pb.h"

namespace sr2l {

// One Append call from its start to its end: one chunk after the other goes out, answers
// come in. Thread-safe. Once started it must live until `ended` is called. No thread of gRPC's may
// destroy it: the channel may go with it, with the last channel go those threads, and none of
// them can wait for its own end.
class AppendConnection final
    : public grpc::ClientBidiReactor<v1::AppendRequest, v1::AppendResponse> {
 public:
  // Called from gRPC's threads and from Wake.
  struct Events {
    // The next chunk to send, null: none now. Called by one thread at a time.
    std::function<std::shared_ptr<const v1::Chunk>()> next;
    // An answer, in order, by one thread at a time. False: cancel the call.
    std::function<bool(const v1::AppendResponse&)> answered;
    // The call is over; the last event. The connection may go while it runs.
    std::function<void(const grpc::Status&)> ended;
  };

  explicit AppendConnection(Events events) : events_(std::move(events)) {}

  // Starts the call, once.
  void Start(v1::Replay::Stub& stub);

  // Sends what `next` gives, unless it is sending already. Call it, with no lock that an
  // event takes, when there may be something new.
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);

  // Ends the call soon.
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  // Lets gRPC end the call once nothing can start another write.
  void CloseIfIdle() ABSL_LOCKS_EXCLUDED(mu_);

  const Events events_;
  grpc::ClientContext context_;
  v1::AppendResponse response_;            // used by the read in flight alone
  ChunkLoan<v1::AppendRequest> request_;   // used by the write in flight alone
  absl::Mutex mu_;  // never held while calling gRPC; held before the locks of `next`
  bool open_ ABSL_GUARDED_BY(mu_) = false;     // writes may start
  bool writing_ ABSL_GUARDED_BY(mu_) = false;  // from the decision to its OnWriteDone
  bool held_ ABSL_GUARDED_BY(mu_) = false;     // gRPC waits for RemoveHold
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CLIENT_APPEND_CONNECTION_H_
