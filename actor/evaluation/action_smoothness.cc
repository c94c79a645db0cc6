#include "actor/evaluation/action_smoothness.h"

#include <Eigen/Core>
#include <cmath>
#include <complex>
#include <limits>
#include <unsupported/Eigen/FFT>

namespace sr2l {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

using Signals = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;  // [T, A]

// Mean over the rows of a matrix of their Euclidean norms.
double MeanRowNorm(const Signals& rows) { return rows.rowwise().norm().mean(); }

// |FFT(a)_i|, i = 0 ... floor(T / 2), of one dimension's signal [T].
Eigen::VectorXd Spectrum(const Eigen::VectorXd& signal) {
  Eigen::FFT<double> transform;
  Eigen::VectorXcd bins;
  transform.fwd(bins, signal);
  return bins.head(signal.size() / 2 + 1).cwiseAbs();
}

void MeasureSpectra(const Signals& signals, ActionSmoothness& result) {
  const Eigen::Index length = signals.rows();
  const Eigen::Index half = length / 2;
  double weighted = 0;
  double all_energy = 0;
  double high_energy = 0;
  for (Eigen::Index dimension = 0; dimension < signals.cols(); ++dimension) {
    // Taking a constant away changes the amplitude at frequency 0 alone, which counts
    // nowhere; a constant signal becomes exactly 0.
    const Eigen::VectorXd signal = signals.col(dimension).array() - signals(0, dimension);
    const Eigen::VectorXd spectrum = Spectrum(signal);
    for (Eigen::Index i = 1; i <= half; ++i) {
      const double frequency = 2.0 * static_cast<double>(i) / static_cast<double>(length);
      if (i < half) weighted += 2.0 / static_cast<double>(length) * spectrum[i] * frequency;
      // But for half the control rate, a real signal has as much at the negative frequency.
      const double energy = (2 * i == length ? 1 : 2) * spectrum[i] * spectrum[i];
      all_energy += energy;
      if (frequency > kHighFrequencyCutoff) high_energy += energy;
    }
  }
  result.spectral = weighted / static_cast<double>(half * signals.cols());
  result.high_frequency_share = all_energy > 0 ? high_energy / all_energy : 0;
}

}  // namespace

ActionSmoothness MeasureActions(const std::vector<float>& actions, int action_dim) {
  const Eigen::Index length = static_cast<Eigen::Index>(actions.size()) / action_dim;
  const Signals signals =
      Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
          actions.data(), length, action_dim)
          .cast<double>();
  ActionSmoothness result{.spectral = kUndefined,
                          .fluctuation = length >= 1 ? 0 : kUndefined,
                          .variation = kUndefined,
                          .second_difference = kUndefined,
                          .high_frequency_share = kUndefined};
  if (length < 2) return result;
  const Signals steps = signals.bottomRows(length - 1) - signals.topRows(length - 1);
  const double num_steps = static_cast<double>(length - 1);
  result.fluctuation = MeanRowNorm(steps) * num_steps / static_cast<double>(length);
  result.variation = steps.cwiseAbs().mean();
  MeasureSpectra(signals, result);
  if (length < 3) return result;
  result.second_difference = MeanRowNorm(steps.bottomRows(length - 2) - steps.topRows(length - 2));
  return result;
}

}  // namespace sr2l
