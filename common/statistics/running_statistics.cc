#include "common/statistics/running_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "common/status/check.h"

namespace sr2l {

RunningStatistics::RunningStatistics(int dimension) : mean_(dimension), squares_(dimension) {}

RunningStatistics::RunningStatistics(uint64_t count, std::vector<double> mean,
                                     std::vector<double> squares)
    : count_(count), mean_(std::move(mean)), squares_(std::move(squares)) {
  SR2L_CHECK(mean_.size() == squares_.size());
}

void RunningStatistics::Add(const float* observation) {
  ++count_;
  const double count = static_cast<double>(count_);
  for (size_t i = 0; i < mean_.size(); ++i) {
    const double value = observation[i];
    const double deviation_before = value - mean_[i];
    mean_[i] += deviation_before / count;
    squares_[i] += deviation_before * (value - mean_[i]);
  }
}

void RunningStatistics::Merge(const RunningStatistics& other) {
  SR2L_CHECK(other.mean_.size() == mean_.size());
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  const double here = static_cast<double>(count_);
  const double there = static_cast<double>(other.count_);
  const double total = here + there;
  for (size_t i = 0; i < mean_.size(); ++i) {
    const double difference = other.mean_[i] - mean_[i];
    mean_[i] += difference * (there / total);
    squares_[i] += other.squares_[i] + difference * difference * (here * there / total);
  }
  count_ += other.count_;
}

double RunningStatistics::deviation(int coordinate, double minimum) const {
  SR2L_CHECK(count_ > 0);
  return std::max(std::sqrt(squares_[coordinate] / static_cast<double>(count_)), minimum);
}

}  // namespace sr2l
