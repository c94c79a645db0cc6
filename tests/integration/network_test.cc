// The network between the processes fails in every way, on every link; the run still learns
// what it learns undisturbed, from every step once, and soon after the network is back.
//
// SR2L_NETWORK_FAULTS: how often each fault comes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/proxied_service.h"
#include "tests/integration/recovery_runs.h"

namespace sr2l {
namespace {

constexpr absl::Duration kStallTime = absl::Seconds(15);
constexpr absl::Duration kCutTime = absl::Seconds(2);
// A peer that is gone is noticed within this time.
constexpr absl::Duration kNoticeTime = absl::Seconds(10);
// A network that works again is used again within this time, and all calls go on.
constexpr absl::Duration kRecoveryTime = absl::Seconds(15);
constexpr int kMembers = 2;
constexpr int kStreams = 4;  // of all members

int NumRepetitions() {
  const char* text = std::getenv("SR2L_NETWORK_FAULTS");
  return text == nullptr ? 1 : std::atoi(text);
}

// One service whose network fails on one link, while others run beside it.
class FaultyRun {
 public:
  FaultyRun(const std::string& file, Link link) : link_(link) {
    service_.StartActor("actor");
    id_ = service_.Submit(file);
  }

  FaultProxy& network() { return service_.network(link_); }
  const ProxiedService& service() const { return service_; }
  std::string results() const { return service_.Results(id_); }
  int rows() const { return service_.NumRows(id_); }
  void AwaitSuccess() const { service_.AwaitSuccess(id_, absl::Minutes(3)); }

  // The replay ends in order, its log holds every stream whole, and the run goes on.
  void ExpectWholeLog() {
    absl::Duration took;
    EXPECT_TRUE(service_.Terminate("replay", took).ok());
    service_.ExpectWholeLog(kStreams);
    service_.StartReplay();
  }

 private:
  const Link link_;
  ProxiedService service_;
  std::string id_;
};

class NetworkTest : public ::testing::TestWithParam<RecoveryCase> {
 protected:
  void StartAll(int rounds) {
    const std::string file = folder_ / "experiment.textproto";
    WriteRecoveryExperiment(GetParam(), rounds, file);
    digest_ = UndisturbedDigest(file, folder_ / "undisturbed");
    for (const Link link : kLinks) runs_.push_back(std::make_unique<FaultyRun>(file, link));
  }

  void ForAll(const std::function<void(FaultyRun&)>& act) {
    for (const auto& run : runs_) act(*run);
  }

  // All runs reach `rows` within `timeout`.
  void AwaitRows(int rows, absl::Duration timeout) {
    const absl::Time deadline = absl::Now() + timeout;
    ForAll([&](FaultyRun& run) {
      EXPECT_TRUE(Eventually([&] { return run.rows() >= rows; }, deadline - absl::Now()))
          << run.rows() << " of " << rows << run.service().LogOf("learner")
          << run.service().LogOf("actor");
    });
  }

  // All runs take up again within kRecoveryTime what they were doing.
  void ExpectAllGoOn() {
    std::vector<int> rows;
    ForAll([&](FaultyRun& run) { rows.push_back(run.rows()); });
    const absl::Time deadline = absl::Now() + kRecoveryTime;
    for (size_t i = 0; i < runs_.size(); ++i) {
      EXPECT_TRUE(Eventually([&] { return runs_[i]->rows() > rows[i]; }, deadline - absl::Now()))
          << "link " << i << runs_[i]->service().LogOf("learner")
          << runs_[i]->service().LogOf("actor");
    }
  }

  void CutAll() {
    ForAll([](FaultyRun& run) { run.network().Cut(); });
    absl::SleepFor(kCutTime);
    ForAll([](FaultyRun& run) { run.network().Pass(); });
    ExpectAllGoOn();
  }

  void StallAll() {
    ForAll([](FaultyRun& run) { run.network().Stall(); });
    absl::SleepFor(kStallTime);
    ForAll([](FaultyRun& run) { run.network().Pass(); });
    ExpectAllGoOn();
  }

  void VanishAll() {
    ForAll([](FaultyRun& run) {
      EXPECT_GT(run.network().num_connections(), 0);
      run.network().Vanish();
    });
    ForAll([](FaultyRun& run) {
      EXPECT_TRUE(Eventually([&] { return run.network().last_farewell().has_value(); }));
      EXPECT_LE(run.network().last_farewell().value_or(absl::InfiniteDuration()), kNoticeTime);
    });
    ExpectAllGoOn();
  }

  TemporaryFolder folder_;
  std::string digest_;
  std::vector<std::unique_ptr<FaultyRun>> runs_;
};

TEST_P(NetworkTest, ASynchronousRunOutlivesEveryFaultOfEveryLink) {
  const int faults = 3 * NumRepetitions();
  const int rounds = 15 * (faults + 1);
  StartAll(rounds);
  for (int fault = 0; fault < faults; ++fault) {
    AwaitRows(kMembers * rounds * fault / (2 * faults) + 2, absl::Minutes(2));
    ForAll([&](FaultyRun& run) { EXPECT_LT(run.rows(), kMembers * rounds); });
    fault % 3 == 0 ? CutAll() : fault % 3 == 1 ? StallAll() : VanishAll();
  }
  ForAll([&](FaultyRun& run) {
    // With the experiment the replay drops its steps.
    EXPECT_LT(run.rows(), kMembers * rounds);
    run.ExpectWholeLog();
  });
  ForAll([&](FaultyRun& run) {
    run.AwaitSuccess();
    EXPECT_EQ(DigestOf(run.results()), digest_);
    EXPECT_EQ(run.rows(), kMembers * rounds);
  });
}

INSTANTIATE_TEST_SUITE_P(Algorithms, NetworkTest, ::testing::ValuesIn(kRecoveryCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
