#include "learner/algorithms/finite_checks.h"

#include "learner/nn/member_reduce.h"

namespace sr2l {

void FiniteChecks::Add(std::string name, const torch::Tensor& values) {
  finite_.emplace_back(std::move(name), MemberIsFinite(values));
}

std::vector<std::string> FiniteChecks::Failures() const {
  std::vector<std::string> failures(finite_.front().second.size(0));
  for (const auto& [name, finite] : finite_) {
    const torch::Tensor on_cpu = finite.cpu();
    for (size_t m = 0; m < failures.size(); ++m) {
      if (failures[m].empty() && !on_cpu.data_ptr<bool>()[m]) {
        failures[m] = name + " are not finite";
      }
    }
  }
  return failures;
}

}  // namespace sr2l
