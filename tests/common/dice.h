#ifndef SR2L_TESTS_COMMON_DICE_H_
#define SR2L_TESTS_COMMON_DICE_H_

#include <cstdint>
#include <string>

#include "common/random/philox.h"

namespace sr2l {

// Random choices for one input of a test, drawn one after the other: a function of the
// input's number alone.
class Dice {
 public:
  explicit Dice(uint64_t input) : random_(20240607, Purpose::kJitter), input_(input) {}

  // In [0, limit).
  uint64_t Below(uint64_t limit);
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  // Small numbers, and those at the edges of what fields hold.
  uint64_t Number();
  // Flips, removes, inserts or repeats some bytes.
  void SpoilBytes(std::string& bytes);

 private:
  const Philox random_;
  const uint64_t input_;
  uint32_t lane_ = 0;
};

}  // namespace sr2l

#endif  // SR2L_TESTS_COMMON_DICE_H_
