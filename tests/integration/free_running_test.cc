// In FREE_RUNNING collection the limiter keeps actors and learner together, whatever the
// number of actors, as the replay's metrics tell.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

constexpr double kFirstUpdate = 600;
constexpr double kSamplesPerInsert = 16;
constexpr double kTolerance = 4000;
constexpr double kMaxStaleness = 12;

// The number behind a metric's name and labels; NaN when it is not exported.
double MetricValue(const std::string& metrics, const std::string& name) {
  for (absl::string_view line : absl::StrSplit(metrics, '\n')) {
    double value = 0;
    if (absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, " ") &&
        absl::SimpleAtod(line, &value)) {
      return value;
    }
  }
  return std::nan("");
}

// What the replay's metrics said while an experiment ran.
struct Observed {
  int reports = 0;              // with samples
  double largest_excess = -1e30;  // |balance| over its tolerance, samples
  double largest_staleness = 0;   // versions
  double samples = 0;             // in the end
  double inserts = 0;
};

class FreeRunningTest : public ::testing::TestWithParam<int> {
 protected:
  std::string WriteExperiment() const {
    const std::string path = folder_ / "free.textproto";
    WriteFile(path, absl::StrCat(R"pb(
      name: "free"
      task { builtin: "inverted_pendulum" }
      collection: FREE_RUNNING
      streams_per_member: 6
      rounds: 12
      steps_per_round: 600
    )pb", "ddpg { first_update: ", kFirstUpdate,
          " batch_size: 32 steps_per_cycle: 60 updates_per_cycle: 30 hidden: [32] ",
          "critic_hidden: [32] }\n limiter { samples_per_insert: ", kSamplesPerInsert,
          " tolerance: ", kTolerance, " max_staleness: ", kMaxStaleness, " }"));
    return path;
  }

  // Reads the replay's metrics again and again until `ended`.
  static Observed Watch(const Service& service, const absl::Notification& ended) {
    Observed observed;
    while (!ended.WaitForNotificationWithTimeout(absl::Milliseconds(5))) {
      const std::string metrics = FetchMetrics(service.metrics_address("replay"));
      const double samples = MetricValue(metrics, "sr2l_replay_samples_total");
      if (samples > 0) {
        ++observed.reports;
        const double balance = MetricValue(metrics, "sr2l_replay_limiter_balance");
        const double staleness = MetricValue(metrics, "sr2l_replay_policy_staleness_versions");
        EXPECT_TRUE(std::isfinite(balance) && std::isfinite(staleness)) << metrics;
        observed.largest_excess = std::max(observed.largest_excess, std::abs(balance) - kTolerance);
        observed.largest_staleness = std::max(observed.largest_staleness, staleness);
      }
    }
    const std::string metrics = FetchMetrics(service.metrics_address("replay"));
    observed.samples = MetricValue(metrics, "sr2l_replay_samples_total");
    observed.inserts = MetricValue(metrics, "sr2l_replay_steps_inserted_total");
    return observed;
  }

  TemporaryFolder folder_;
};

TEST_P(FreeRunningTest, SamplesPerInsertAndStalenessStayWithinTheirLimits) {
  Service service;
  service.StartReplay({"--metrics", "127.0.0.1:0"});
  service.StartLearner();
  for (int i = 0; i < GetParam(); ++i) service.StartActor(absl::StrCat("actor", i));
  absl::Notification ended;
  Observed observed;
  std::thread watcher([&] { observed = Watch(service, ended); });
  const std::string id = service.Submit(WriteExperiment(), {});
  const ProgramResult watch = service.Sr2l({"watch", id});
  ended.Notify();
  watcher.join();

  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors;
  EXPECT_GE(observed.reports, 10);
  EXPECT_LE(observed.largest_excess, 0);
  EXPECT_GT(observed.largest_excess, -kTolerance);  // the balance moved
  EXPECT_LE(observed.largest_staleness, kMaxStaleness);
  EXPECT_EQ(observed.inserts, 12 * 600);
  EXPECT_LE(std::abs(kSamplesPerInsert * (observed.inserts - kFirstUpdate) - observed.samples),
            kTolerance);
  // The learner took what the limiter gave it.
  const ProgramResult digest = RunProgram({Binary("sr2l"), "digest", service.Results(id)});
  EXPECT_THAT(digest.output, HasSubstr(absl::StrCat("0 7200 ", observed.samples / 32, " ")));
}

INSTANTIATE_TEST_SUITE_P(Actors, FreeRunningTest, ::testing::Values(1, 6));

TEST_F(FreeRunningTest, WhoWaitsIsToldByCommandAndMetricAndTheLimiterChangesWhileItRuns) {
  Service service;
  service.StartReplay({"--metrics", "127.0.0.1:0"});
  service.StartLearner();
  const std::string id = service.Submit(WriteExperiment(), {"rounds=100000"});
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(service.Sr2l({"limiter", id}).output, "an actor: none is connected");
  }));
  service.StartActor("one");
  ASSERT_TRUE(Eventually([&] {
    return MetricValue(FetchMetrics(service.metrics_address("replay")),
                       "sr2l_replay_samples_total") > 0;
  }));
  service.Kill("one");
  EXPECT_TRUE(Eventually([&] {
    return MetricValue(FetchMetrics(service.metrics_address("replay")),
                       "sr2l_replay_limiter_blocked{limit=\"balance\",side=\"learner\"}") == 1;
  })) << FetchMetrics(service.metrics_address("replay"));

  const ProgramResult changed = service.Sr2l({"limiter", id, "--samples-per-insert", "24"});
  EXPECT_EQ(changed.exit_code, 0) << changed.errors;
  EXPECT_THAT(changed.output, HasSubstr("samples_per_insert: 24\n"));
  const ProgramResult refused = service.Sr2l({"limiter", id, "--tolerance", "1"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("limiter.tolerance must be at least"));
  EXPECT_EQ(service.Sr2l({"cancel", id}).exit_code, 0);
}

TEST_F(FreeRunningTest, AReplayThatLostItsStepsEndsTheExperimentWithTheReason) {
  Service service;
  service.StartReplay();  // without a log
  service.StartLearner({"--checkpoint-interval", "0.1"});
  service.StartActor("actor");
  const std::string id = service.Submit(WriteExperiment(), {"rounds=100000"});
  const std::string results = service.Results(id);
  ASSERT_TRUE(Eventually([&] {
    return std::filesystem::exists(results + "/checkpoints") &&
           !std::filesystem::is_empty(results + "/checkpoints");
  }));
  service.Kill("replay");
  service.StartReplay();
  const ProgramResult watch = service.Sr2l({"watch", id});
  EXPECT_EQ(watch.exit_code, 1);
  EXPECT_THAT(watch.errors, HasSubstr("the replay has lost steps"));
  // No point of the curve twice, none out of order.
  const std::vector<std::string> rows = absl::StrSplit(ReadFile(results + "/curve.csv"), '\n');
  EXPECT_EQ(std::set<std::string>(rows.begin(), rows.end()).size(), rows.size());
}

}  // namespace
}  // namespace sr2l
