#include "replay/service/read_round_reactor.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/rpc/credentials.h"

namespace sr2l {

ReadRoundReactor::ReadRoundReactor(ReplayStore& store, ReplayMetrics& metrics,
                                   RoundRequest request, absl::Duration max_wait)
    : store_(store),
      metrics_(metrics),
      request_(std::move(request)),
      max_wait_(max_wait),
      begin_(absl::Now()) {}

void ReadRoundReactor::Begin() {
  const std::weak_ptr<ReadRoundReactor> weak = Shared();
  const ReplayStore::WaitId id =
      store_.WaitForRound(request_, [weak](absl::StatusOr<RoundReader> reader) {
        if (const auto reactor = weak.lock()) reactor->OnReady(std::move(reader));
      });
  {
    absl::MutexLock lock(&mu_);
    wait_id_ = id;
    if (phase_ != Phase::kWaiting) return;
  }
  alarm_.Set(absl::ToChronoTime(begin_ + max_wait_), [weak](bool fired) {
    if (!fired) return;
    if (const auto reactor = weak.lock()) reactor->OnAlarm();
  });
}

void ReadRoundReactor::OnReady(absl::StatusOr<RoundReader> reader) {
  if (!LeaveWaiting(reader.ok() ? Phase::kWriting : Phase::kFinished)) return;
  if (!reader.ok()) {
    Finish(ToGrpcStatus(reader.status()));
    return;
  }
  metrics_.round_wait.Observe(absl::ToDoubleSeconds(absl::Now() - begin_));
  reader_ = *std::move(reader);
  WriteNext();
}

void ReadRoundReactor::OnAlarm() {
  if (!LeaveWaiting(Phase::kFinished)) return;
  CancelWait();
  const std::string missing = store_.DescribeWait(request_, absl::Now());
  Finish(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, missing));
}

void ReadRoundReactor::OnCancel() {
  if (!LeaveWaiting(Phase::kFinished)) return;
  CancelWait();
  Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the caller stopped waiting"));
}

void ReadRoundReactor::OnWriteDone(bool ok) {
  response_.Return();
  if (!ok) {
    Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the caller stopped reading"));
    return;
  }
  WriteNext();
}

bool ReadRoundReactor::LeaveWaiting(Phase next) {
  absl::MutexLock lock(&mu_);
  if (phase_ != Phase::kWaiting) return false;
  phase_ = next;
  return true;
}

void ReadRoundReactor::CancelWait() {
  ReplayStore::WaitId id;
  {
    absl::MutexLock lock(&mu_);
    id = wait_id_;
  }
  store_.CancelWait(id);
}

void ReadRoundReactor::WriteNext() {
  absl::StatusOr<ChunkPtr> chunk = reader_->Next();
  if (!chunk.ok()) {
    Finish(ToGrpcStatus(chunk.status()));
  } else if (*chunk == nullptr) {
    metrics_.rounds_read.Increment();
    Finish(grpc::Status::OK);
  } else {
    StartWrite(&response_.Lend(*std::move(chunk)));
  }
}

}  // namespace sr2l
