#ifndef SR2L_REPLAY_CORE_RUNNING_STATISTICS_H_
#define SR2L_REPLAY_CORE_RUNNING_STATISTICS_H_

#include <cstdint>
#include <vector>

#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// Count, mean and sum of squared deviations of vectors, by coordinate: Welford's update for
// each vector, Chan's formula for a whole group. The result depends on the order to the last
// bit. Not thread-safe.
class RunningStatistics {
 public:
  explicit RunningStatistics(size_t dim) : mean_(dim), squares_(dim) {}

  // `vector`: float32 [dim], unaligned.
  void Add(const char* vector);

  // As if the vectors of `later`, of the same dimension, had come after those so far.
  void Merge(const RunningStatistics& later);

  v1::ObservationStatistics ToProto() const;

 private:
  uint64_t count_ = 0;
  std::vector<double> mean_;     // [dim]
  std::vector<double> squares_;  // [dim]
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_RUNNING_STATISTICS_H_
