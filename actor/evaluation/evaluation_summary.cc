#include "actor/evaluation/evaluation_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace sr2l {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

double Mean(const std::vector<double>& values) {
  if (values.empty()) return kUndefined;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double Deviation(const std::vector<double>& values, double mean) {
  if (values.size() < 2) return kUndefined;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// `sorted` is not empty; `share` in [0, 1].
double Quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double between = position - static_cast<double>(below);
  return sorted[below] + between * (sorted[above] - sorted[below]);
}

// What `read` finds in each element, without NaN.
template <typename Element, typename Read>
std::vector<double> Collect(const std::vector<Element>& elements, Read read) {
  std::vector<double> values;
  for (const Element& element : elements) {
    const double value = read(element);
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

ActionTrace MeanTrace(const std::vector<ActionTrace>& traces) {
  const auto mean = [&traces](double ActionSmoothness::*field) {
    return Mean(Collect(traces, [field](const ActionTrace& t) { return t.smoothness.*field; }));
  };
  return {.smoothness = {.spectral = mean(&ActionSmoothness::spectral),
                         .fluctuation = mean(&ActionSmoothness::fluctuation),
                         .variation = mean(&ActionSmoothness::variation),
                         .second_difference = mean(&ActionSmoothness::second_difference),
                         .high_frequency_share = mean(&ActionSmoothness::high_frequency_share)},
          .lipschitz_ratio =
              Mean(Collect(traces, [](const ActionTrace& t) { return t.lipschitz_ratio; }))};
}

void SummarizeTraces(const std::vector<EpisodeResult>& episodes, EvaluationSummary& summary) {
  std::vector<ActionTrace> means;
  std::vector<ActionTrace> samples;
  for (const EpisodeResult& episode : episodes) {
    means.push_back(episode.means);
    if (episode.samples) samples.push_back(*episode.samples);
  }
  summary.means = MeanTrace(means);
  if (!samples.empty()) summary.samples = MeanTrace(samples);
}

void SummarizeProbes(const std::vector<EpisodeResult>& episodes, EvaluationSummary& summary) {
  std::vector<StateProbe> probes;
  for (const EpisodeResult& episode : episodes) {
    probes.insert(probes.end(), episode.probes.begin(), episode.probes.end());
  }
  const auto collect = [&probes](double StateProbe::*field) {
    return Collect(probes, [field](const StateProbe& probe) { return probe.*field; });
  };
  summary.probe_radius = episodes.front().probe_radius;
  summary.probed_states = static_cast<int>(probes.size());
  summary.local_lipschitz = Describe(collect(&StateProbe::local_lipschitz));
  summary.jacobian_spectral = Mean(collect(&StateProbe::jacobian_spectral));
  summary.jacobian_frobenius = Mean(collect(&StateProbe::jacobian_frobenius));
  summary.divergence = Mean(collect(&StateProbe::divergence));
  summary.start_divergence = Mean(collect(&StateProbe::start_divergence));
  summary.divergence_gain =
      summary.start_divergence > 0 ? summary.divergence / summary.start_divergence : kUndefined;
  summary.boundary_share = Mean(collect(&StateProbe::boundary_share));
}

}  // namespace

Distribution Describe(std::vector<double> values) {
  if (values.empty()) {
    return {kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
  }
  const double mean = Mean(values);
  const double deviation = Deviation(values, mean);
  std::sort(values.begin(), values.end());
  return {.mean = mean,
          .deviation = deviation,
          .minimum = values.front(),
          .median = Quantile(values, 0.5),
          .percentile_95 = Quantile(values, 0.95),
          .maximum = values.back()};
}

EvaluationSummary Summarize(const std::vector<EpisodeResult>& episodes) {
  EvaluationSummary summary;
  summary.episodes = static_cast<int>(episodes.size());
  for (const EpisodeResult& episode : episodes) {
    summary.terminated += episode.terminated ? 1 : 0;
    summary.diverged += episode.diverged ? 1 : 0;
  }
  summary.return_ = Describe(Collect(episodes, [](const EpisodeResult& e) { return e.return_; }));
  summary.length_mean =
      Mean(Collect(episodes, [](const EpisodeResult& e) { return double{1} * e.length; }));
  SummarizeTraces(episodes, summary);
  SummarizeProbes(episodes, summary);
  return summary;
}

}  // namespace sr2l
