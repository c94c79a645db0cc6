#ifndef SR2L_REPLAY_SERVICE_WAITING_REACTOR_H_
#define SR2L_REPLAY_SERVICE_WAITING_REACTOR_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "common/rpc/self_owned_reactor.h"
#include "common/rpc/write_guard.h"
#include "replay/core/replay_store.h"

namespace sr2l {

// A call that waits in the store for a `Source`, at most `max_wait`, and then writes the
// `Response`s that it makes of it. What ends the wait (the store, the clock, the client, the
// end of the experiment) comes on different threads; the first one to leave kWaiting goes on.
template <typename Response, typename Source>
class WaitingReactor : public SelfOwnedReactor<grpc::ServerWriteReactor<Response>> {
 public:
  // The store is borrowed and outlives the server. The guard is the call's.
  WaitingReactor(ReplayStore& store, std::shared_ptr<WriteGuard> guard, absl::Duration max_wait)
      : store_(store), guard_(std::move(guard)), max_wait_(max_wait), begin_(absl::Now()) {}

  void OnWriteDone(bool ok) final {
    guard_->WriteEnds();
    if (ok) return OnWritten();
    End(grpc::Status(grpc::StatusCode::CANCELLED, "the caller stopped reading"));
  }

  void OnCancel() final {
    if (!LeaveWaiting(Phase::kFinished)) return;
    CancelWait();
    End(grpc::Status(grpc::StatusCode::CANCELLED, "the caller stopped waiting"));
  }

 protected:
  using Ready = std::function<void(absl::StatusOr<Source>)>;

  void Begin() final {
    const std::weak_ptr<WaitingReactor> weak = Shared();
    const ReplayStore::WaitId id = StartWait([weak](absl::StatusOr<Source> source) {
      if (const auto reactor = weak.lock()) reactor->OnReady(std::move(source));
    });
    bool waiting = true;
    {
      absl::MutexLock lock(&mu_);
      wait_id_ = id;
      waiting = phase_ == Phase::kWaiting;
    }
    if (!waiting) {
      store_.CancelWait(id);  // whoever ended the call may not have known it
      return;
    }
    alarm_.Set(absl::ToChronoTime(begin_ + max_wait_), [weak](bool fired) {
      if (!fired) return;
      if (const auto reactor = weak.lock()) reactor->OnAlarm();
    });
  }

  // Begins the wait in the store.
  virtual ReplayStore::WaitId StartWait(Ready ready) = 0;
  // Who is waited for, when that took too long.
  virtual std::string Missing(absl::Time now) const = 0;
  // The wait of `waited` is over: starts the first write, or ends the call.
  virtual void OnSource(Source source, absl::Duration waited) = 0;
  // A write went well: starts the next one, or ends the call.
  virtual void OnWritten() = 0;

  // These instead of StartWrite and Finish.
  void Write(const Response& response) {
    guard_->WriteBegins();
    this->StartWrite(&response);
  }
  void End(const grpc::Status& status) {
    guard_->Stop();
    this->Finish(status);
  }

  ReplayStore& store() { return store_; }
  const ReplayStore& store() const { return store_; }

 private:
  enum class Phase { kWaiting, kWriting, kFinished };

  void OnReady(absl::StatusOr<Source> source) {
    if (!LeaveWaiting(source.ok() ? Phase::kWriting : Phase::kFinished)) return;
    if (source.ok()) return OnSource(*std::move(source), absl::Now() - begin_);
    End(ToGrpcStatus(source.status()));
  }

  void OnAlarm() {
    if (!LeaveWaiting(Phase::kFinished)) return;
    // Before it ends, so that the text counts this wait.
    const std::string missing = Missing(absl::Now());
    CancelWait();
    End(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, missing));
  }

  // Goes from kWaiting to `next`; false when another thread has left kWaiting before.
  bool LeaveWaiting(Phase next) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (phase_ != Phase::kWaiting) return false;
    phase_ = next;
    return true;
  }

  // Stops waiting in the store.
  void CancelWait() ABSL_LOCKS_EXCLUDED(mu_) {
    ReplayStore::WaitId id;
    {
      absl::MutexLock lock(&mu_);
      id = wait_id_;
    }
    store_.CancelWait(id);
  }

  std::shared_ptr<WaitingReactor> Shared() {
    return std::static_pointer_cast<WaitingReactor>(this->shared_from_this());
  }

  ReplayStore& store_;
  const std::shared_ptr<WriteGuard> guard_;
  const absl::Duration max_wait_;
  const absl::Time begin_;
  grpc::Alarm alarm_;
  absl::Mutex mu_;  // never held while calling gRPC or the store
  Phase phase_ ABSL_GUARDED_BY(mu_) = Phase::kWaiting;
  ReplayStore::WaitId wait_id_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_WAITING_REACTOR_H_
