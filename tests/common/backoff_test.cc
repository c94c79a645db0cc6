#include "common/rpc/backoff.h"

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"

namespace sr2l {
namespace {

TEST(BackoffTest, DelaysDoubleFrom50MillisecondsTo5SecondsWithinTheirBounds) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Backoff backoff(seed);
    for (int attempt = 0; attempt < 200; ++attempt) {
      const double longest = std::min(0.05 * std::pow(2.0, std::min(attempt, 30)), 5.0);
      const double delay = absl::ToDoubleSeconds(backoff.Next());
      EXPECT_GE(delay, 0.5 * longest - 1e-9);
      EXPECT_LT(delay, longest);
    }
  }
}

TEST(BackoffTest, AResetStartsFromTheShortestDelay) {
  Backoff backoff(3);
  const absl::Duration first = backoff.Next();
  for (int i = 0; i < 10; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), first);
}

TEST(BackoffTest, ClientsDoNotReturnTogether) {
  Backoff a(1);
  Backoff b(2);
  EXPECT_NE(a.Next(), b.Next());
}

}  // namespace
}  // namespace sr2l
