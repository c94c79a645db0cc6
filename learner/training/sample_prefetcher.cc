#include "learner/training/sample_prefetcher.h"

#include <google/protobuf/util/message_differencer.h>

#include "common/status/status_macros.h"

namespace sr2l {

SamplePrefetcher::~SamplePrefetcher() {
  stop_.request_stop();
  if (block_.valid()) block_.wait();
}

void SamplePrefetcher::Start(const v1::SampleRequest& request) {
  started_ = request;
  block_ = std::async(std::launch::async, [this] { return Call(started_); });
}

absl::StatusOr<SampledBlock> SamplePrefetcher::Take(const v1::SampleRequest& request,
                                                    const std::stop_token& stop) {
  const std::stop_callback forward(stop, [this] { stop_.request_stop(); });
  if (!block_.valid()) return Call(request);
  absl::StatusOr<SampledBlock> block = block_.get();
  if (google::protobuf::util::MessageDifferencer::Equals(request, started_)) return block;
  return Call(request);
}

absl::StatusOr<SampledBlock> SamplePrefetcher::Call(const v1::SampleRequest& request) const {
  SampleAssembly assembly(request, observation_dim_, action_dim_);
  SR2L_RETURN_IF_ERROR(replay_.Sample(
      request, [&assembly](const v1::SampleResponse& part) { return assembly.Add(part); },
      stop_.get_token()));
  return assembly.Finish();
}

}  // namespace sr2l
