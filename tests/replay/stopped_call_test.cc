// Calls to a replay that does not answer: whoever is stopped meanwhile does not wait for their
// deadlines.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "replay/client/replay_client.h"
#include "tests/replay/eventually.h"
#include "tests/replay/silent_replay.h"

namespace sr2l {
namespace {

struct NamedCall {
  std::string name;
  std::function<absl::Status(ReplayClient&, const std::stop_token&)> make;
};

class StoppedCallTest : public ::testing::TestWithParam<NamedCall> {};

TEST_P(StoppedCallTest, EndsLongBeforeItsDeadline) {
  const SilentReplay replay;
  const auto client = *ReplayClient::Create(replay.address(), {});
  std::stop_source stop;
  std::jthread stopper([&] {
    Eventually([&replay] { return replay.asked() > 0; });
    stop.request_stop();
  });
  const absl::Time begin = absl::Now();
  EXPECT_EQ(GetParam().make(*client, stop.get_token()), absl::CancelledError("stopped"));
  // Nor does one that comes after the stop wait.
  EXPECT_EQ(GetParam().make(*client, stop.get_token()), absl::CancelledError("stopped"));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(9));
}

INSTANTIATE_TEST_SUITE_P(
    Calls, StoppedCallTest,
    ::testing::Values(
        NamedCall{"CreateTables", [](auto& c, const auto& s) { return c.CreateTables({}, s); }},
        NamedCall{"ReadRound",
                  [](auto& c, const auto& s) {
                    return c.ReadRound("e", {0}, 0, absl::Seconds(60), s).status();
                  }},
        NamedCall{"Sample",
                  [](auto& c, const auto& s) {
                    return c.Sample(
                        {}, [](auto) { return absl::OkStatus(); }, s);
                  }},
        NamedCall{"SetLimits", [](auto& c, const auto& s) { return c.SetLimits("e", {}, {}, s); }},
        NamedCall{"ReleaseRounds",
                  [](auto& c, const auto& s) { return c.ReleaseRounds("e", {0}, 1, s); }},
        NamedCall{"DropExperiment",
                  [](auto& c, const auto& s) { return c.DropExperiment("e", s); }},
        NamedCall{"DescribeTables",
                  [](auto& c, const auto& s) { return c.DescribeTables("e", s).status(); }}),
    [](const auto& call) { return call.param.name; });

}  // namespace
}  // namespace sr2l
