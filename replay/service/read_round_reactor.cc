#include "replay/service/read_round_reactor.h"

#include <utility>

namespace sr2l {

ReadRoundReactor::ReadRoundReactor(ReplayStore& store, ReplayMetrics& metrics,
                                   std::shared_ptr<WriteGuard> guard, RoundRequest request,
                                   absl::Duration max_wait)
    : WaitingReactor(store, std::move(guard), max_wait),
      metrics_(metrics),
      request_(std::move(request)) {}

ReplayStore::WaitId ReadRoundReactor::StartWait(Ready ready) {
  return store().WaitForRound(request_, std::move(ready));
}

std::string ReadRoundReactor::Missing(absl::Time now) const {
  return store().DescribeWait(request_, now);
}

void ReadRoundReactor::OnSource(RoundReader reader, absl::Duration waited) {
  metrics_.round_wait.Observe(absl::ToDoubleSeconds(waited));
  reader_ = std::move(reader);
  WriteNext();
}

void ReadRoundReactor::OnWritten() {
  response_.Return();
  WriteNext();
}

void ReadRoundReactor::WriteNext() {
  absl::StatusOr<ChunkPtr> chunk = reader_->Next();
  if (!chunk.ok()) {
    End(ToGrpcStatus(chunk.status()));
  } else if (*chunk == nullptr) {
    metrics_.rounds_read.Increment();
    End(grpc::Status::OK);
  } else {
    Write(response_.Lend(*std::move(chunk)));
  }
}

}  // namespace sr2l
