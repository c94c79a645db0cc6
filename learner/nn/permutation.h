#ifndef SR2L_LEARNER_NN_PERMUTATION_H_
#define SR2L_LEARNER_NN_PERMUTATION_H_

#include <cstdint>
#include <vector>

#include "common/random/philox.h"

namespace sr2l {

// A uniformly random order of 0, 1, ..., count - 1, count <= 2^24 (Fisher and Yates): a pure
// function of (random, index, count).
std::vector<int64_t> RandomPermutation(const Philox& random, uint64_t index, int64_t count);

}  // namespace sr2l

#endif  // SR2L_LEARNER_NN_PERMUTATION_H_
