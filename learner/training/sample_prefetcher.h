#ifndef SR2L_LEARNER_TRAINING_SAMPLE_PREFETCHER_H_
#define SR2L_LEARNER_TRAINING_SAMPLE_PREFETCHER_H_

#include <cstdint>
#include <future>
#include <stop_token>

#include "absl/status/statusor.h"
#include "learner/training/sampled_block.h"
#include "replay/client/replay_client.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// Draws the next block while the learner learns from the one before. Not thread-safe.
class SamplePrefetcher {
 public:
  // `replay` is borrowed. O observation_dim, A action_dim.
  SamplePrefetcher(ReplayClient& replay, int64_t observation_dim, int64_t action_dim)
      : replay_(replay), observation_dim_(observation_dim), action_dim_(action_dim) {}

  // Ends a call that is under way.
  ~SamplePrefetcher();

  // Begins the call in the background. Take must come before the next Start.
  void Start(const v1::SampleRequest& request);

  // The block of this request: the one that Start began, if it is the same, else by a call
  // now. Errors as ReplayClient::Sample, and Internal when the answer is not what was asked.
  // With a request of `stop` all calls are over, these and later ones.
  absl::StatusOr<SampledBlock> Take(const v1::SampleRequest& request, const std::stop_token& stop);

 private:
  absl::StatusOr<SampledBlock> Call(const v1::SampleRequest& request) const;

  ReplayClient& replay_;
  const int64_t observation_dim_;
  const int64_t action_dim_;
  std::stop_source stop_;
  v1::SampleRequest started_;
  std::future<absl::StatusOr<SampledBlock>> block_;  // of started_, valid while under way
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_SAMPLE_PREFETCHER_H_
