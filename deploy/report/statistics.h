#ifndef SR2L_DEPLOY_REPORT_STATISTICS_H_
#define SR2L_DEPLOY_REPORT_STATISTICS_H_

#include <cstddef>
#include <vector>

namespace sr2l {

// NaN of no numbers.
double Mean(const std::vector<double>& values);

// With n - 1 in the denominator; NaN of fewer than two numbers.
double StandardDeviation(const std::vector<double>& values);

// The value below which `share` in [0, 1] of the numbers lie, straight lines between them:
// 0 is the smallest, 1 the greatest. NaN of no numbers.
double Quantile(std::vector<double> values, double share);

struct Interval {
  double low = 0;
  double high = 0;
};

inline constexpr int kBootstrapResamples = 10000;

// 95 % interval of the mean: the 2.5 % and 97.5 % quantiles of the means of resamples with
// replacement. A function of the numbers alone, in any order; NaN of fewer than two.
Interval BootstrapInterval(std::vector<double> values);

// What is said about a mean over seeds.
struct Estimate {
  size_t count = 0;
  double mean = 0;
  double deviation = 0;
  Interval interval;  // of the mean, 95 %
};

Estimate EstimateMean(const std::vector<double>& values);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_STATISTICS_H_
