// Actors, replay and learner are killed again and again, alone and in pairs, at random moments;
// the run still learns what it learns undisturbed, from every step once.
//
// SR2L_CHAOS_KILLS: how often something is killed in each run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/random/philox.h"
#include "tests/deploy/process_table.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/recovery_runs.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

constexpr absl::Duration kTrainingTimeout = absl::Minutes(30);

int NumKills() {
  const char* text = std::getenv("SR2L_CHAOS_KILLS");
  return text == nullptr ? 6 : std::atoi(text);
}

// Also of what the log holds now, while it grows.
void ExpectNoGapSoFar(const std::string& run) {
  const ProgramResult audit = RunProgram({Binary("sr2l"), "audit", run});
  EXPECT_EQ(audit.exit_code, 0) << audit.output << audit.errors;
}

class ChaosTest : public ::testing::TestWithParam<RecoveryCase> {};

TEST_P(ChaosTest, TheDigestIsThatOfTheUndisturbedRun) {
  const TemporaryFolder folder;
  const std::string file = folder / "experiment.textproto";
  const int kills = NumKills();
  const int rounds = 12 * kills;
  WriteRecoveryExperiment(GetParam(), rounds, file);
  const std::string digest = UndisturbedDigest(file, folder / "undisturbed");

  const std::string run = folder / "disturbed";
  RunningProgram train(TrainCommand(file, run));
  const Philox random(/*seed=*/kills, Purpose::kJitter);
  const char* const programs[] = {"sr2l-actor", "sr2l-replay", "sr2l-learner"};
  int killed = 0;
  while (killed < kills) {
    // Some rounds later than the kill before, and then at any moment.
    const int rows = 2 * rounds * killed / (kills + 1) + 1;
    ASSERT_TRUE(Eventually([&] { return NumCurveRows(run + "/curve.csv") >= rows; }))
        << train.output() << train.errors();
    absl::SleepFor(absl::Milliseconds(300) * random.Uniform(killed, 0));
    // One of them, or two of different kinds at once.
    const int first = static_cast<int>(3 * random.Uniform(killed, 1));
    const int count = random.Uniform(killed, 2) < 0.4 ? 2 : 1;
    for (int i = 0; i < count; ++i) {
      const std::vector<pid_t> processes =
          ChildrenWith(train.pid(), programs[(first + i) % std::size(programs)]);
      if (processes.empty()) continue;  // just being started again
      if (kill(processes.front(), SIGKILL) == 0) ++killed;
    }
    ExpectNoGapSoFar(run);
  }
  const ProgramResult result = train.Wait(kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_EQ(DigestOf(run), digest);
  EXPECT_EQ(NumCurveRows(run + "/curve.csv"), 2 * rounds);
  ExpectWholeLog(run, rounds);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ChaosTest, ::testing::ValuesIn(kRecoveryCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
