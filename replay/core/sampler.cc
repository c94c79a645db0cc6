#include "replay/core/sampler.h"

#include "common/random/philox.h"

namespace sr2l {
namespace {

__extension__ using Product = unsigned __int128;

}  // namespace

std::vector<uint64_t> DrawPositions(uint64_t seed, uint64_t first_draw, std::size_t count,
                                    uint64_t size) {
  const Philox random(seed, Purpose::kReplaySample);
  std::vector<uint64_t> positions(count);
  for (std::size_t i = 0; i < count; ++i) {
    // The upper half of the product: random / 2^64 of `size`, rounded down.
    positions[i] = static_cast<uint64_t>(Product{random.Bits(first_draw + i)} * size >> 64);
  }
  return positions;
}

}  // namespace sr2l
