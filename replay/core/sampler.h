#ifndef SR2L_REPLAY_CORE_SAMPLER_H_
#define SR2L_REPLAY_CORE_SAMPLER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sr2l {

// Where the draws first_draw, ..., first_draw + count - 1 of a seed fall among `size` >= 1
// positions: uniform, with replacement, each a pure function of (seed, draw, size).
std::vector<uint64_t> DrawPositions(uint64_t seed, uint64_t first_draw, std::size_t count,
                                    uint64_t size);

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_SAMPLER_H_
