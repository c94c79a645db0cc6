#ifndef SR2L_LEARNER_ALGORITHMS_LINE_SEARCH_H_
#define SR2L_LEARNER_ALGORITHMS_LINE_SEARCH_H_

#include <torch/types.h>

#include <functional>

#include "learner/algorithms/surrogate.h"

namespace sr2l {

struct LineSearchOptions {
  double max_kl = 0.01;          // nats
  int backtracks = 15;           // tried steps
  double backtrack_ratio = 0.8;  // of one tried step to the one before
};

struct LineSearchStart {
  torch::Tensor parameters;  // [M, P]
  torch::Tensor step;        // [M, P], the full step, subtracted
  TrustRegionLoss loss;      // at the parameters
};

struct LineSearchResult {
  torch::Tensor parameters;  // [M, P], accepted; the start's where none was
  torch::Tensor backtracks;  // [M] int64, shrinkages of the accepted step; -1: none accepted
  TrustRegionLoss loss;      // at these parameters
};

// The trust region's loss at candidate parameters [M, P]; may move the candidate into the
// set of allowed parameters before it looks at it.
using LossAt = std::function<TrustRegionLoss(torch::Tensor& candidate)>;

// Backtracking: tries parameters - ratio^j step for j = 0, 1, ... and takes, per member, the
// first whose loss fell and whose KL is at most max_kl. NaN is never accepted.
LineSearchResult BacktrackingLineSearch(const LineSearchOptions& options,
                                        const LineSearchStart& start, const LossAt& loss_at);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_LINE_SEARCH_H_
