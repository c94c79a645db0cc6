#ifndef SR2L_REPLAY_SERVICE_READ_ROUND_REACTOR_H_
#define SR2L_REPLAY_SERVICE_READ_ROUND_REACTOR_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "replay/core/replay_store.h"
#include "replay/service/replay_metrics.h"
#include "common/rpc/self_owned_reactor.h"
#include "replay/wire/chunk_loan.h"

namespace sr2l {

// One ReadRound call: waits for the round, at most `max_wait`, then writes its chunks one
// by one. What ends the wait (the round, the clock, the client, the end of the
// experiment) comes on different threads; the first one to leave kWaiting goes on.
class ReadRoundReactor final
    : public SelfOwnedReactor<grpc::ServerWriteReactor<v1::ReadRoundResponse>> {
 public:
  // Store and metrics are borrowed and outlive the server.
  ReadRoundReactor(ReplayStore& store, ReplayMetrics& metrics, RoundRequest request,
                   absl::Duration max_wait);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;

 protected:
  void Begin() override;

 private:
  enum class Phase { kWaiting, kWriting, kFinished };

  void OnReady(absl::StatusOr<RoundReader> reader);
  void OnAlarm();

  // Goes from kWaiting to `next`; false when another thread has left kWaiting before.
  bool LeaveWaiting(Phase next) ABSL_LOCKS_EXCLUDED(mu_);

  // Stops waiting in the store.
  void CancelWait() ABSL_LOCKS_EXCLUDED(mu_);

  // Writes the next chunk, or ends the call after the last.
  void WriteNext();

  std::shared_ptr<ReadRoundReactor> Shared() {
    return std::static_pointer_cast<ReadRoundReactor>(this->shared_from_this());
  }

  ReplayStore& store_;
  ReplayMetrics& metrics_;
  const RoundRequest request_;
  const absl::Duration max_wait_;
  const absl::Time begin_;
  grpc::Alarm alarm_;
  std::optional<RoundReader> reader_;           // used in kWriting, by one thread at a time
  ChunkLoan<v1::ReadRoundResponse> response_;   // likewise
  absl::Mutex mu_;                              // never held while calling gRPC or the store
  Phase phase_ ABSL_GUARDED_BY(mu_) = Phase::kWaiting;
  ReplayStore::WaitId wait_id_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_READ_ROUND_REACTOR_H_
