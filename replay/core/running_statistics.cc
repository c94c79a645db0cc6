#include "replay/core/running_statistics.h"

#include <cstring>

namespace sr2l {

void RunningStatistics::Add(const char* vector) {
  ++count_;
  const double weight = 1 / static_cast<double>(count_);
  for (size_t i = 0; i < mean_.size(); ++i) {
    float value;
    std::memcpy(&value, vector + 4 * i, sizeof(value));
    const double delta = value - mean_[i];
    mean_[i] += weight * delta;
    squares_[i] += delta * (value - mean_[i]);
  }
}

void RunningStatistics::Merge(const RunningStatistics& later) {
  if (later.count_ == 0) return;
  if (count_ == 0) {
    *this = later;
    return;
  }
  const auto before = static_cast<double>(count_);
  const auto added = static_cast<double>(later.count_);
  const double weight = added / (before + added);
  for (size_t i = 0; i < mean_.size(); ++i) {
    const double delta = later.mean_[i] - mean_[i];
    mean_[i] += weight * delta;
    squares_[i] += later.squares_[i] + delta * delta * before * weight;
  }
  count_ += later.count_;
}

v1::ObservationStatistics RunningStatistics::ToProto() const {
  v1::ObservationStatistics statistics;
  statistics.set_count(count_);
  statistics.mutable_mean()->Add(mean_.begin(), mean_.end());
  statistics.mutable_squares()->Add(squares_.begin(), squares_.end());
  return statistics;
}

}  // namespace sr2l
