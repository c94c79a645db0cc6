#include "common/limits/limits.h"

#include <algorithm>
#include <cmath>

namespace sr2l {
namespace {

constexpr uint64_t kMostStaleness = 1000000;  // that a limiter may say

uint64_t LeastMaxStaleness(double tolerance, double samples_per_version) {
  constexpr double kMostVersions = 1e15;  // fits the result, and is above every bound
  const double versions = std::ceil(2 * tolerance / samples_per_version);
  return static_cast<uint64_t>(std::min(versions, kMostVersions)) + 2;
}

}  // namespace

void WriteLimiterDefaults(const v1::DdpgConfig& ddpg, v1::LimiterConfig& limiter) {
  const double steps = ddpg.steps_per_cycle();
  if (!limiter.has_samples_per_insert()) {
    limiter.set_samples_per_insert(static_cast<double>(ddpg.batch_size()) *
                                   ddpg.updates_per_cycle() / steps);
  }
  const double draws = static_cast<double>(ddpg.batch_size()) * ddpg.updates_per_cycle();
  if (!limiter.has_tolerance()) {
    limiter.set_tolerance(std::max(4 * limiter.samples_per_insert() * steps, draws));
  }
  if (!limiter.has_max_staleness()) {
    const uint64_t least = LeastMaxStaleness(limiter.tolerance(), draws);
    limiter.set_max_staleness(static_cast<int32_t>(
        std::clamp<uint64_t>(least, limiter.max_staleness(), kMostStaleness)));
  }
}

v1::TableLimits MakeTableLimits(const v1::DdpgConfig& ddpg, v1::LimiterConfig limiter) {
  WriteLimiterDefaults(ddpg, limiter);
  v1::TableLimits limits;
  limits.set_minimum_size(ddpg.first_update());
  limits.set_samples_per_insert(limiter.samples_per_insert());
  limits.set_tolerance(limiter.tolerance());
  limits.set_max_staleness(limiter.max_staleness());
  limits.set_samples_per_version(static_cast<uint32_t>(ddpg.updates_per_cycle()) *
                                 static_cast<uint32_t>(ddpg.batch_size()));
  return limits;
}

double LeastTolerance(const v1::TableLimits& limits, uint64_t steps_per_round) {
  const double per_chunk = limits.samples_per_insert() * static_cast<double>(steps_per_round);
  return std::max((limits.samples_per_version() + per_chunk) / 2, per_chunk);
}

uint64_t LeastMaxStaleness(const v1::TableLimits& limits) {
  return LeastMaxStaleness(limits.tolerance(), limits.samples_per_version());
}

}  // namespace sr2l
