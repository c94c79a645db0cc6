#include "actor/fleet/timed_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <vector>

#include "absl/synchronization/notification.h"

namespace sr2l {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

TEST(TimedCallsTest, CallsComeInTheOrderOfTheirTimes) {
  TimedCalls calls;
  absl::Mutex mu;
  std::vector<int> made;
  const auto note = [&](int number) {
    return [&, number](const std::stop_token&) {
      absl::MutexLock lock(&mu);
      made.push_back(number);
    };
  };
  calls.After(absl::Milliseconds(60), note(3));
  calls.After(absl::Milliseconds(20), note(2));
  calls.After(absl::ZeroDuration(), note(1));
  absl::MutexLock lock(&mu);
  const auto all = [&] { return made.size() == 3; };
  ASSERT_TRUE(mu.AwaitWithTimeout(absl::Condition(&all), kPatience));
  EXPECT_THAT(made, testing::ElementsAre(1, 2, 3));
}

TEST(TimedCallsTest, CloseForgetsWhatIsNotDue) {
  bool called = false;
  TimedCalls calls;
  const auto call = [&called](const std::stop_token&) { called = true; };
  calls.After(absl::Hours(1), call);
  calls.Close();
  calls.After(absl::ZeroDuration(), call);
  EXPECT_FALSE(called);
}

TEST(TimedCallsTest, CloseStopsTheCallThatRunsAndWaitsForItsEnd) {
  absl::Notification begun;
  bool stopped = false;
  TimedCalls calls;
  calls.After(absl::ZeroDuration(), [&](const std::stop_token& stop) {
    absl::Notification asked;
    const std::stop_callback callback(stop, [&asked] { asked.Notify(); });
    begun.Notify();
    stopped = asked.WaitForNotificationWithTimeout(kPatience);
  });
  ASSERT_TRUE(begun.WaitForNotificationWithTimeout(kPatience));
  calls.Close();
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace sr2l
