#ifndef SR2L_REPLAY_SERVICE_SYNC_REACTOR_H_
#define SR2L_REPLAY_SERVICE_SYNC_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>

#include "common/rpc/self_owned_reactor.h"
#include "replay/core/replay_store.h"

namespace sr2l {

// One Sync call, whose answer is filled in already: ends when the log is synced, or when nobody
// waits for it any more. The two come on different threads; the first one ends the call.
class SyncReactor final : public SelfOwnedReactor<grpc::ServerUnaryReactor> {
 public:
  // The store is borrowed and outlives the server.
  explicit SyncReactor(ReplayStore& store) : store_(store) {}

  void OnCancel() override;

 protected:
  void Begin() override;

 private:
  void End(const grpc::Status& status);

  ReplayStore& store_;
  std::shared_ptr<const TrajectoryLog::Done> done_;  // what the log holds as long as this lives
  std::atomic<bool> ended_ = false;
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_SERVICE_SYNC_REACTOR_H_
