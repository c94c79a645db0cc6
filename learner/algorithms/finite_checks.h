#ifndef SR2L_LEARNER_ALGORITHMS_FINITE_CHECKS_H_
#define SR2L_LEARNER_ALGORITHMS_FINITE_CHECKS_H_

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

namespace sr2l {

// Collects which quantities of which members are finite. Looks at the answers only when
// asked, so that a GPU need not be waited for in between.
class FiniteChecks {
 public:
  // `values` [M, ...]; the name is a plural noun.
  void Add(std::string name, const torch::Tensor& values);

  // Per member "<name> are not finite" of the first such quantity, or empty.
  std::vector<std::string> Failures() const;

 private:
  std::vector<std::pair<std::string, torch::Tensor>> finite_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_FINITE_CHECKS_H_
