#include "learner/algorithms/trpo_options.h"

#include <cmath>

#include "learner/algorithms/require.h"

namespace sr2l {
void CheckTrpoOptions(const TrpoOptions& options) {
  Require(options.discount > 0 && options.discount <= 1, "discount", "in (0, 1]",
          options.discount);
  Require(options.gae_lambda >= 0 && options.gae_lambda <= 1, "gae_lambda", "in [0, 1]",
          options.gae_lambda);
  Require(options.max_kl > 0 && std::isfinite(options.max_kl), "max_kl", "> 0", options.max_kl);
  Require(options.cg_iterations >= 1, "cg_iterations", ">= 1", options.cg_iterations);
  Require(options.damping >= 0 && std::isfinite(options.damping), "damping", ">= 0",
          options.damping);
  Require(options.backtracks >= 1, "backtracks", ">= 1", options.backtracks);
  Require(options.backtrack_ratio > 0 && options.backtrack_ratio < 1, "backtrack_ratio",
          "in (0, 1)", options.backtrack_ratio);
  Require(options.initial_sigma > 0 && std::isfinite(options.initial_sigma), "initial_sigma",
          "> 0", options.initial_sigma);
  Require(options.minimum_sigma > 0 && options.minimum_sigma <= options.initial_sigma,
          "minimum_sigma", "in (0, initial_sigma]", options.minimum_sigma);
  Layers(options.policy);  // its widths
  if (const auto* network = std::get_if<ValueNetworkOptions>(&options.baseline)) {
    ValueNetwork::Check(*network);
  } else {
    LinearBaseline::Check(std::get<LinearBaselineOptions>(options.baseline));
  }
}

}  // namespace sr2l
