#include "common/statistics/statistics_proto.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

using Doubles = google::protobuf::RepeatedField<double>;

absl::Status CheckNumbers(absl::string_view field, const Doubles& numbers, int count,
                          double least) {
  if (numbers.size() != count) {
    return absl::InvalidArgumentError(absl::StrCat("observation_statistics.", field, " must have ",
                                                   count, " elements, got ", numbers.size()));
  }
  for (int i = 0; i < count; ++i) {
    if (std::isfinite(numbers.Get(i)) && numbers.Get(i) >= least) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("observation_statistics.", field, "[", i, "] must be finite",
                     least == 0 ? " and >= 0" : "", ", got ", numbers.Get(i)));
  }
  return absl::OkStatus();
}

}  // namespace

v1::ObservationStatistics ToProto(const RunningStatistics& statistics) {
  v1::ObservationStatistics proto;
  proto.set_count(statistics.count());
  proto.mutable_mean()->Assign(statistics.mean().begin(), statistics.mean().end());
  proto.mutable_squares()->Assign(statistics.squares().begin(), statistics.squares().end());
  return proto;
}

absl::StatusOr<RunningStatistics> FromProto(const v1::ObservationStatistics& statistics,
                                            int dimension) {
  SR2L_RETURN_IF_ERROR(
      CheckNumbers("mean", statistics.mean(), dimension, std::numeric_limits<double>::lowest()));
  SR2L_RETURN_IF_ERROR(CheckNumbers("squares", statistics.squares(), dimension, 0));
  return RunningStatistics(
      statistics.count(), std::vector<double>(statistics.mean().begin(), statistics.mean().end()),
      std::vector<double>(statistics.squares().begin(), statistics.squares().end()));
}

v1::ObservationNormalization MakeNormalization(const RunningStatistics& statistics, double clip,
                                               double minimum_deviation) {
  const bool known = statistics.count() >= 2;
  v1::ObservationNormalization normalization;
  normalization.set_clip(static_cast<float>(clip));
  for (int i = 0; i < statistics.dimension(); ++i) {
    const double scale = known ? 1 / statistics.deviation(i, minimum_deviation) : 1;
    normalization.add_mean(known ? static_cast<float>(statistics.mean()[i]) : 0.0f);
    // A policy with an infinite scale would be refused.
    normalization.add_scale(
        static_cast<float>(std::min<double>(scale, std::numeric_limits<float>::max())));
  }
  return normalization;
}

}  // namespace sr2l
