#include "learner/nn/permutation.h"

#include <numeric>
#include <utility>

namespace sr2l {

std::vector<int64_t> RandomPermutation(const Philox& random, uint64_t index, int64_t count) {
  std::vector<double> uniform(count);
  random.FillUniform(index, static_cast<uint32_t>(count), uniform.data());
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count - 1; i > 0; --i) {
    std::swap(order[i], order[static_cast<int64_t>(uniform[i] * static_cast<double>(i + 1))]);
  }
  return order;
}

}  // namespace sr2l
