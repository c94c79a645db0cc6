#ifndef SR2L_TESTS_FUZZ_CONFIG_FUZZ_H_
#define SR2L_TESTS_FUZZ_CONFIG_FUZZ_H_

#include <cstdint>

namespace sr2l {

// What became of the experiments since the process started, for tests of the target.
struct ConfigFuzzCounts {
  uint64_t accepted = 0;
  uint64_t refused = 0;
};
const ConfigFuzzCounts& ConfigCounts();

}  // namespace sr2l

#endif  // SR2L_TESTS_FUZZ_CONFIG_FUZZ_H_
