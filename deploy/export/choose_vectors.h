#ifndef SR2L_DEPLOY_EXPORT_CHOOSE_VECTORS_H_
#define SR2L_DEPLOY_EXPORT_CHOOSE_VECTORS_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "common/exported_policy/exported_policy.h"
#include "deploy/export/vectors.h"

namespace sr2l {

// The controls [N, A] at observations [N, O].
using Inference = absl::FunctionRef<std::vector<float>(const std::vector<float>& observations)>;

struct ChosenVectors {
  Vectors vectors;
  // By how much rounding moved a control of these vectors from the exact one at most, as a
  // share of half its range.
  double rounding = 0;
};

// 128 vectors to test files of `policy` with, their controls from `service`: observations around
// the middle of what it was trained on (of a policy without statistics: around 0), some that
// are clipped, and some far beyond. Of four times as many candidates those are taken at which
// rounding does least: where large numbers cancel, two orders of summation differ by more than
// a file that is slightly wrong. The same for the same policy.
absl::StatusOr<ChosenVectors> ChooseVectors(const ExportedPolicy& policy, Inference service);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_CHOOSE_VECTORS_H_
