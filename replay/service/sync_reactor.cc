#include "replay/service/sync_reactor.h"

#include "common/rpc/credentials.h"

namespace sr2l {

void SyncReactor::Begin() {
  const std::weak_ptr<SelfOwnedReactor> weak = shared_from_this();
  done_ = std::make_shared<const TrajectoryLog::Done>([weak](const absl::Status& synced) {
    const auto reactor = std::static_pointer_cast<SyncReactor>(weak.lock());
    if (reactor != nullptr) reactor->End(ToGrpcStatus(synced));
  });
  store_.AwaitSync(done_);
}

void SyncReactor::OnCancel() {
  End(grpc::Status(grpc::StatusCode::CANCELLED, "the caller stopped waiting"));
}

void SyncReactor::End(const grpc::Status& status) {
  if (!ended_.exchange(true)) Finish(status);
}

}  // namespace sr2l
