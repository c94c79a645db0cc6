#ifndef SR2L_DEPLOY_EXPORT_VECTORS_H_
#define SR2L_DEPLOY_EXPORT_VECTORS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// Inputs of a policy and what it makes of them. N vectors, O observation_dim, A action_dim.
struct Vectors {
  int observation_dim = 0;
  int action_dim = 0;
  std::vector<float> observations;  // [N, O]
  std::vector<float> controls;      // [N, A]

  size_t count() const { return observations.size() / observation_dim; }
};

// As CSV: the columns observation_0, ... and action_0, ..., and a row for each vector. Numbers
// read back to the same bits.
std::string FormatVectors(const Vectors& vectors);

// InvalidArgument names the line.
absl::StatusOr<Vectors> ParseVectors(absl::string_view csv);

// Rows of so many numbers, one a line, with spaces between them; and back, where InvalidArgument
// says that there are not `count` numbers.
std::string FormatRows(const std::vector<float>& numbers, int columns);
absl::StatusOr<std::vector<float>> ParseNumbers(absl::string_view text, size_t count);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_VECTORS_H_
