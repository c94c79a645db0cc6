#include "common/limits/limits.h"

#include <algorithm>
#include <cmath>

namespace sr2l {

double LeastTolerance(const v1::TableLimits& limits, uint64_t steps_per_round) {
  const double per_chunk = limits.samples_per_insert() * static_cast<double>(steps_per_round);
  return std::max((limits.samples_per_version() + per_chunk) / 2, per_chunk);
}

uint64_t LeastMaxStaleness(const v1::TableLimits& limits) {
  constexpr double kMostVersions = 1e15;  // fits the result, and is above every bound
  const double versions = std::ceil(2 * limits.tolerance() / limits.samples_per_version());
  return static_cast<uint64_t>(std::min(versions, kMostVersions)) + 2;
}

}  // namespace sr2l
