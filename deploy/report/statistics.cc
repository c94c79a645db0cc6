#include "deploy/report/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "common/random/philox.h"

namespace sr2l {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr uint64_t kBootstrapKey = 0x7372326c;

// The mean of as many numbers drawn with replacement; the draws are addressed by `resample`.
double ResampledMean(const std::vector<double>& values, uint32_t resample) {
  const uint64_t count = values.size();
  std::array<uint32_t, 4> words = {};
  double sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (i % 4 == 0) words = Philox4x32({i / 4, resample, 0, 0}, kBootstrapKey);
    sum += values[(words[i % 4] * count) >> 32];
  }
  return sum / static_cast<double>(count);
}

}  // namespace

double Mean(const std::vector<double>& values) {
  if (values.empty()) return kNaN;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double StandardDeviation(const std::vector<double>& values) {
  if (values.size() < 2) return kNaN;
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return kNaN;
  std::sort(values.begin(), values.end());
  const double position = share * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], position - static_cast<double>(below));
}

Interval BootstrapInterval(std::vector<double> values) {
  if (values.size() < 2) return {kNaN, kNaN};
  std::sort(values.begin(), values.end());
  std::vector<double> means(kBootstrapResamples);
  for (uint32_t resample = 0; resample < means.size(); ++resample) {
    means[resample] = ResampledMean(values, resample);
  }
  return {.low = Quantile(means, 0.025), .high = Quantile(means, 0.975)};
}

Estimate EstimateMean(const std::vector<double>& values) {
  return {.count = values.size(),
          .mean = Mean(values),
          .deviation = StandardDeviation(values),
          .interval = BootstrapInterval(values)};
}

}  // namespace sr2l
