#ifndef SR2L_REPLAY_CLIENT_CHUNK_SENDER_H_
#define SR2L_REPLAY_CLIENT_CHUNK_SENDER_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/client/append_connection.h"
#include "replay/client/unacked_chunks.h"
#include "sr2l/v1/replay.grpc.pb.h"

namespace sr2l {

struct ChunkSenderOptions {
  // Send accepts chunks while fewer bytes than this wait for an answer.
  size_t max_unacked_bytes = size_t{64} << 20;
  // A connection on which a chunk stays unanswered this long is given up.
  absl::Duration answer_timeout = absl::Seconds(30);
  // Spreads the reconnections of many senders; give each its own.
  uint64_t jitter_seed = 0;
  // Called, if it is there, whenever a connection has ended, after its last answer, from a thread
  // of the sender's. The server may be another one by now, and may have lost what it had
  // acknowledged: of a stream without chunks on their way nobody would notice.
  std::function<void()> lost = {};
};

// An actor's side of a replay server: sends chunks until each is answered, whatever
// happens to the connection. Chunks that were out when it broke are sent again, in order,
// and so are those for which the server had no memory, or the learner is behind. Thread-safe.
class ChunkSender {
 public:
  // Gets every answer, in the order of a stream's chunks, from gRPC's threads, one at a
  // time, without a lock held. FULL and LIMITED are for information: that chunk is sent
  // again. Must not block, and must not call Flush or Close.
  using AnswerCallback = std::function<void(const v1::AppendResponse&)>;

  // Connects at once, and again whenever the connection is lost.
  ChunkSender(const std::shared_ptr<grpc::Channel>& channel, ChunkSenderOptions options,
              AnswerCallback answered);

  // Calls Close.
  ~ChunkSender();

  // Takes up the stream with a lease's epoch: where it goes on, and from which state.
  // Blocks until the answer, the deadline or a request of `stop`. Unavailable: the server could
  // not be reached. FailedPrecondition: a newer lease was seen.
  absl::StatusOr<v1::OpenStreamResponse> OpenStream(const v1::StreamKey& key, uint64_t epoch,
                                                    absl::Time deadline,
                                                    const std::stop_token& stop = {});

  // Queues a chunk; never blocks. Chunks of one stream go out in the order of Send.
  // ResourceExhausted: too much waits for answers, see AwaitRoom. InvalidArgument: larger
  // than any message may be. FailedPrecondition: closed.
  absl::Status Send(std::shared_ptr<const v1::Chunk> chunk) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until Send would accept a chunk. False: the deadline passed, or it is closed.
  bool AwaitRoom(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until every chunk is answered and its callback has returned. DeadlineExceeded
  // says how much is missing and what is wrong with the connection; Cancelled: closed.
  absl::Status Flush(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mu_);

  // Gives up what is not answered. After it returned no callback runs any more.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  // Bytes of chunks without an answer.
  size_t unacked_bytes() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The thread that keeps a connection open.
  void Run();

  std::shared_ptr<AppendConnection> Connect() ABSL_LOCKS_EXCLUDED(mu_);

  // Minds the timers of a connection until it has ended.
  void Mind(AppendConnection& connection) ABSL_LOCKS_EXCLUDED(mu_);

  // The connection's events.
  std::shared_ptr<const v1::Chunk> Next() ABSL_LOCKS_EXCLUDED(mu_);
  bool OnAnswer(const v1::AppendResponse& response) ABSL_LOCKS_EXCLUDED(mu_);
  bool GiveUp(std::string reason) ABSL_LOCKS_EXCLUDED(mu_);  // false, for OnAnswer to return
  void OnEnded(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mu_);

  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return closed_ || unacked_.bytes() < options_.max_unacked_bytes;
  }
  bool IsFlushed() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return closed_ || unacked_.empty(); }
  bool MustAct() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return ended_ || closed_ || timers_changed_;
  }

  const ChunkSenderOptions options_;
  const AnswerCallback answered_;
  const std::unique_ptr<v1::Replay::Stub> stub_;
  std::once_flag joined_;
  mutable absl::Mutex mu_;
  UnackedChunks unacked_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<AppendConnection> connection_ ABSL_GUARDED_BY(mu_);  // null: none
  bool ended_ ABSL_GUARDED_BY(mu_) = false;           // the connection's last event came
  bool timers_changed_ ABSL_GUARDED_BY(mu_) = false;  // Mind must look again
  bool had_answer_ ABSL_GUARDED_BY(mu_) = false;      // on this connection
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::string give_up_reason_ ABSL_GUARDED_BY(mu_);   // why this side ends the connection
  std::string last_error_ ABSL_GUARDED_BY(mu_);       // of the newest connection that ended
  std::thread thread_;                                // last: uses everything above
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CLIENT_CHUNK_SENDER_H_
