#include "tests/common/dice.h"

#include <iterator>
#include <limits>

namespace sr2l {

uint64_t Dice::Below(uint64_t limit) {
  return static_cast<uint64_t>(static_cast<double>(limit) * random_.Uniform(input_, lane_++));
}

uint64_t Dice::Number() {
  constexpr uint64_t kEdges[] = {0, 1, 7, 8, 9, 255, uint64_t{1} << 31, uint64_t{1} << 32,
                                 uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()};
  return OneIn(2) ? kEdges[Below(std::size(kEdges))] : Below(40);
}

void Dice::SpoilBytes(std::string& bytes) {
  if (bytes.empty()) return;
  const size_t at = Below(bytes.size());
  switch (Below(5)) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(8)));
      break;
    case 1:
      bytes.erase(at, 1 + Below(16));
      break;
    case 2:
      bytes.insert(at, 1 + Below(8), static_cast<char>(Below(256)));
      break;
    case 3:
      bytes.resize(at);
      break;
    default:
      bytes += bytes.substr(at);
  }
}

}  // namespace sr2l
