#ifndef SR2L_COMMON_STATISTICS_STATISTICS_PROTO_H_
#define SR2L_COMMON_STATISTICS_STATISTICS_PROTO_H_

#include "absl/status/statusor.h"
#include "common/statistics/running_statistics.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

v1::ObservationStatistics ToProto(const RunningStatistics& statistics);

// InvalidArgument unless mean and squares have `dimension` elements each, all finite, and
// no square is negative.
absl::StatusOr<RunningStatistics> FromProto(const v1::ObservationStatistics& statistics,
                                            int dimension);

// How a policy that is published now normalizes: float32 means, and scales
// 1 / max(deviation, minimum_deviation). Fewer than two observations say nothing about a
// deviation: mean 0 and scale 1 then. `clip` and `minimum_deviation` > 0.
v1::ObservationNormalization MakeNormalization(const RunningStatistics& statistics, double clip,
                                               double minimum_deviation);

}  // namespace sr2l

#endif  // SR2L_COMMON_STATISTICS_STATISTICS_PROTO_H_
