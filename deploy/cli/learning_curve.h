#ifndef SR2L_DEPLOY_CLI_LEARNING_CURVE_H_
#define SR2L_DEPLOY_CLI_LEARNING_CURVE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// The columns of a run's curve.csv that the command shows: by member, one number per
// round in the order of the file. A round without an episode's end yet has no return.
struct LearningCurve {
  std::vector<double> returns;        // return_mean
  std::vector<double> nonsmoothness;  // mean D at the perturbed states
};

// InvalidArgument, with the line, for what is not a curve; NotFound without the file.
absl::StatusOr<std::map<uint32_t, LearningCurve>> ReadLearningCurves(const std::string& path);

// Mean of the last `count` numbers, or of all if there are fewer; NaN if there are none.
double MeanOfLast(const std::vector<double>& numbers, size_t count);

// The fields of a CSV line; a field in double quotes may hold commas, and "" is a quote.
std::vector<std::string> SplitCsvLine(absl::string_view line);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_LEARNING_CURVE_H_
