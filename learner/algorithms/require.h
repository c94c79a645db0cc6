#ifndef SR2L_LEARNER_ALGORITHMS_REQUIRE_H_
#define SR2L_LEARNER_ALGORITHMS_REQUIRE_H_

#include <stdexcept>
#include <string>

namespace sr2l {

// Throws std::invalid_argument "<name> must be <range>, got <value>" unless `allowed`.
template <typename T>
void Require(bool allowed, const char* name, const char* range, T value) {
  if (allowed) return;
  throw std::invalid_argument(std::string(name) + " must be " + range + ", got " +
                              std::to_string(value));
}

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_REQUIRE_H_
