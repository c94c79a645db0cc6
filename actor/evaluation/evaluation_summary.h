#ifndef SR2L_ACTOR_EVALUATION_EVALUATION_SUMMARY_H_
#define SR2L_ACTOR_EVALUATION_EVALUATION_SUMMARY_H_

#include <optional>
#include <vector>

#include "actor/evaluation/episode_runner.h"

namespace sr2l {

// What several numbers have in common. NaN where they are too few.
struct Distribution {
  double mean = 0;
  double deviation = 0;  // sample standard deviation (divided by count - 1)
  double minimum = 0;
  double median = 0;
  double percentile_95 = 0;  // linear between neighbours, as the median
  double maximum = 0;
};

// `values` without NaN.
Distribution Describe(std::vector<double> values);

// Episodes of one policy under one disturbance. Of every ActionTrace: the mean over those
// episodes that define it; of probes: over all states that were probed.
struct EvaluationSummary {
  int episodes = 0;
  int terminated = 0;  // episodes
  int diverged = 0;
  Distribution return_;
  double length_mean = 0;
  ActionTrace means;
  std::optional<ActionTrace> samples;
  double probe_radius = 0;
  int probed_states = 0;
  Distribution local_lipschitz;
  double jacobian_spectral = 0;  // means
  double jacobian_frobenius = 0;
  double divergence = 0;
  double start_divergence = 0;
  double divergence_gain = 0;  // their quotient; NaN where the start's is 0
  double boundary_share = 0;
};

// At least one episode, all run with the same options but their number.
EvaluationSummary Summarize(const std::vector<EpisodeResult>& episodes);

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_EVALUATION_SUMMARY_H_
