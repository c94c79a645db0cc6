#ifndef SR2L_COMMON_STATISTICS_RUNNING_STATISTICS_H_
#define SR2L_COMMON_STATISTICS_RUNNING_STATISTICS_H_

#include <cstdint>
#include <vector>

namespace sr2l {

// Count, mean and sum of squared deviations of observations, by coordinate, in double. A
// plain value; its numbers are a function of the order of the calls alone. D dimension.
class RunningStatistics {
 public:
  // Of no observation. `dimension` >= 0.
  explicit RunningStatistics(int dimension);

  // As they were; `mean` and `squares` [D], squares >= 0.
  RunningStatistics(uint64_t count, std::vector<double> mean, std::vector<double> squares);

  // Counts an observation [D] (Welford's recursion).
  void Add(const float* observation);

  // Counts all observations of `other`, which has the same dimension, behind those that
  // are counted here (Chan's formula). Merging with none changes nothing.
  void Merge(const RunningStatistics& other);

  int dimension() const { return static_cast<int>(mean_.size()); }
  uint64_t count() const { return count_; }
  const std::vector<double>& mean() const { return mean_; }        // [D]
  const std::vector<double>& squares() const { return squares_; }  // [D]

  // Standard deviation of the coordinate, sqrt(squares / count), but at least `minimum`.
  // Needs a counted observation.
  double deviation(int coordinate, double minimum) const;

 private:
  uint64_t count_ = 0;
  std::vector<double> mean_;
  std::vector<double> squares_;
};

}  // namespace sr2l

#endif  // SR2L_COMMON_STATISTICS_RUNNING_STATISTICS_H_
