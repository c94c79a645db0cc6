// The network between the processes fails in every way, on every link; the run still learns
// what it learns undisturbed, from every step once, and soon after the network is back.
//
// SR2L_NETWORK_FAULTS: how often each fault comes.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/integration/proxied_service.h"
#include "tests/integration/recovery_runs.h"

namespace sr2l {
namespace {

constexpr absl::Duration kCutTime = absl::Seconds(2);
constexpr absl::Duration kStallTime = absl::Seconds(15);
// A peer that is gone is noticed within this time.
#ifdef __SANITIZE_ADDRESS__
constexpr absl::Duration kNoticeTime = absl::Seconds(20);  // all is slower
#else
constexpr absl::Duration kNoticeTime = absl::Seconds(10);
#endif
// A network that works again is used again within this time, and all calls go on.
constexpr absl::Duration kRecoveryTime = absl::Seconds(15);
constexpr absl::Duration kTrainingTimeout = absl::Minutes(3);
constexpr int kMembers = 2;
constexpr int kStreams = 4;  // of all members

int NumFaults() {
  const char* text = std::getenv("SR2L_NETWORK_FAULTS");
  return 3 * (text == nullptr ? 1 : std::atoi(text));
}

int NumRounds() { return 15 * (NumFaults() + 1); }

// One service whose network fails on one link.
class FaultyRun {
 public:
  FaultyRun(const std::string& file, Link link) : network_(service_.network(link)) {
    service_.StartActor("actor");
    id_ = service_.Submit(file);
  }

  // Lets each fault come in the first half of the run, and the replay end in order after the
  // last one.
  void Disturb() {
    for (int fault = 0; fault < NumFaults(); ++fault) {
      ExpectReaches(kMembers * NumRounds() * fault / (2 * NumFaults()) + 2, kTrainingTimeout);
      fault % 3 == 0 ? Cut() : fault % 3 == 1 ? Stall() : Vanish();
      ExpectReaches(service_.NumRows(id_) + 1, kRecoveryTime);
    }
    EXPECT_LT(service_.NumRows(id_), kMembers * NumRounds());
    absl::Duration took;
    EXPECT_TRUE(service_.Terminate("replay", took).ok());
    service_.ExpectWholeLog(kStreams);
    service_.StartReplay();
  }

  // Waits for the end of the run and returns its digest.
  std::string Finish() {
    service_.AwaitSuccess(id_, kTrainingTimeout);
    EXPECT_EQ(service_.NumRows(id_), kMembers * NumRounds());
    return DigestOf(service_.Results(id_));
  }

 private:
  void ExpectReaches(int rows, absl::Duration timeout) const {
    EXPECT_TRUE(Eventually([&] { return service_.NumRows(id_) >= rows; }, timeout))
        << service_.NumRows(id_) << " of " << rows << "\n"
        << service_.LogOf("learner") << service_.LogOf("actor");
  }

  void Cut() {
    network_.Cut();
    absl::SleepFor(kCutTime);
    network_.Pass();
  }

  void Stall() {
    network_.Stall();
    absl::SleepFor(kStallTime);
    network_.Pass();
  }

  void Vanish() {
    EXPECT_TRUE(Eventually([&] { return network_.num_connections() > 0; }));
    network_.Vanish();
    EXPECT_TRUE(Eventually([&] { return network_.last_farewell().has_value(); }));
    EXPECT_LE(network_.last_farewell().value_or(absl::InfiniteDuration()), kNoticeTime);
  }

  ProxiedService service_;
  FaultProxy& network_;
  std::string id_;
};

// All at the same time, for most of it is waiting.
TEST(NetworkTest, ASynchronousRunOutlivesEveryFaultOfEveryLink) {
  const TemporaryFolder folder;
  std::vector<std::jthread> runs;
  std::string digests[std::size(kRecoveryCases)][std::size(kLinks)];
  for (size_t i = 0; i < std::size(kRecoveryCases); ++i) {
    const std::string file = folder / absl::StrCat(kRecoveryCases[i].name, ".textproto");
    WriteRecoveryExperiment(kRecoveryCases[i], NumRounds(), file);
    for (size_t link = 0; link < std::size(kLinks); ++link) {
      // A process ends with the thread that started it.
      runs.emplace_back([file, link, &digest = digests[i][link]] {
        const ::testing::ScopedTrace trace(__FILE__, __LINE__, absl::StrCat(file, " ", link));
        FaultyRun run(file, kLinks[link]);
        run.Disturb();
        digest = run.Finish();
      });
    }
  }
  runs.clear();  // joins
  for (size_t i = 0; i < std::size(kRecoveryCases); ++i) {
    const std::string name = kRecoveryCases[i].name;
    const std::string undisturbed = UndisturbedDigest(folder / (name + ".textproto"), folder / name);
    for (const std::string& digest : digests[i]) EXPECT_EQ(digest, undisturbed) << name;
  }
}

}  // namespace
}  // namespace sr2l
