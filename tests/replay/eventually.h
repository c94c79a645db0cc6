#ifndef SR2L_TESTS_REPLAY_EVENTUALLY_H_
#define SR2L_TESTS_REPLAY_EVENTUALLY_H_

#include <gtest/gtest.h>

#include <functional>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace sr2l {

// Waits until `holds` has said yes once, half a minute at most; then the test fails. What holds
// may end a moment later: it is not asked again.
inline void Eventually(const std::function<bool()>& holds) {
  const absl::Time end = absl::Now() + absl::Seconds(30);
  bool held = holds();
  while (!held && absl::Now() < end) {
    absl::SleepFor(absl::Milliseconds(1));
    held = holds();
  }
  ASSERT_TRUE(held);
}

}  // namespace sr2l

#endif  // SR2L_TESTS_REPLAY_EVENTUALLY_H_
