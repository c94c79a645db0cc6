// A bounded, seeded run of the fuzz target: valid experiments with spoilt bytes.
// tests/common/config_mutation_test.cc spoils them in ways that know the language.
#include "tests/fuzz/config_fuzz.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/common/config_texts.h"
#include "tests/common/dice.h"
#include "tests/fuzz/records.h"

namespace sr2l {
namespace {

TEST(ConfigFuzzTest, SpoiltBytesBreakNothing) {
  const std::vector<std::string> texts = ValidExperiments();
  for (uint64_t index = 0; index < 2000; ++index) {
    Dice dice(index);
    std::string input = "trpo.max_kl=0.02\n" + texts[dice.Below(texts.size())];
    while (dice.OneIn(2)) dice.SpoilBytes(input);
    RunFuzzTarget(input);
  }
  // Both ways were gone; whatever does not hold on them ends the process.
  EXPECT_GT(ConfigCounts().accepted, 100U);
  EXPECT_GT(ConfigCounts().refused, 100U);
}

}  // namespace
}  // namespace sr2l
