#include "learner/algorithms/line_search.h"

#include <cmath>

namespace sr2l {
namespace {

TrustRegionLoss Choose(const torch::Tensor& first, const TrustRegionLoss& a,
                       const TrustRegionLoss& b) {
  return {.loss = torch::where(first, a.loss, b.loss),
          .surrogate = torch::where(first, a.surrogate, b.surrogate),
          .nonsmoothness = torch::where(first, a.nonsmoothness, b.nonsmoothness),
          .kl = torch::where(first, a.kl, b.kl)};
}

}  // namespace

LineSearchResult BacktrackingLineSearch(const LineSearchOptions& options,
                                        const LineSearchStart& start, const LossAt& loss_at) {
  LineSearchResult result = {.parameters = start.parameters.clone(),
                             .backtracks = torch::full_like(start.loss.loss, -1, torch::kInt64),
                             .loss = start.loss};
  torch::Tensor candidate = torch::empty_like(start.parameters);
  for (int j = 0; j < options.backtracks; ++j) {
    torch::sub_out(candidate, start.parameters, start.step, std::pow(options.backtrack_ratio, j));
    const TrustRegionLoss loss = loss_at(candidate);
    const torch::Tensor accepted = (result.backtracks < 0) & (loss.loss < start.loss.loss) &
                                   (loss.kl <= options.max_kl);
    result.parameters = torch::where(accepted.unsqueeze(1), candidate, result.parameters);
    result.backtracks.masked_fill_(accepted, j);
    result.loss = Choose(accepted, loss, result.loss);
    if ((result.backtracks >= 0).all().item<bool>()) break;
  }
  return result;
}

}  // namespace sr2l
