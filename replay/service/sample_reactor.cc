#include "replay/service/sample_reactor.h"

#include <utility>

namespace sr2l {

SampleReactor::SampleReactor(ReplayStore& store, ReplayMetrics& metrics,
                             std::shared_ptr<WriteGuard> guard, v1::SampleRequest request)
    : WaitingReactor(store, std::move(guard), absl::Seconds(request.max_wait_seconds())),
      metrics_(metrics),
      request_(std::move(request)) {}

ReplayStore::WaitId SampleReactor::StartWait(Ready ready) {
  return store().WaitForSample(request_, std::move(ready));
}

std::string SampleReactor::Missing(absl::Time now) const {
  return store().DescribeWait(request_, now);
}

void SampleReactor::OnSource(SampleReader reader, absl::Duration waited) {
  metrics_.sample_wait.Observe(absl::ToDoubleSeconds(waited));
  metrics_.samples.Increment(static_cast<double>(reader.counted_rows()));
  reader_ = std::move(reader);
  OnWritten();
}

void SampleReactor::OnWritten() {
  const absl::StatusOr<bool> more = reader_->Next(part_);
  if (!more.ok()) {
    End(ToGrpcStatus(more.status()));
  } else if (*more) {
    Write(part_);
  } else {
    End(grpc::Status::OK);
  }
}

}  // namespace sr2l
