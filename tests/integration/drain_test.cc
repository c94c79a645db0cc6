// SIGTERM: every program hands over what it holds and exits with 0, soon.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "absl/strings/numbers.h"
#include "tests/integration/proxied_service.h"
#include "tests/integration/recovery_runs.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

// What a program may take from SIGTERM to its end.
constexpr absl::Duration kGrace = absl::Seconds(10);
constexpr absl::Duration kTrainingTimeout = absl::Minutes(3);
constexpr int kRounds = 30;
constexpr int kMembers = 2;
constexpr int kStreams = 4;  // of all members

// The number that the first group of `pattern` matches last in `text`; -1 when none does.
int64_t LastNumber(const std::string& text, const std::string& pattern) {
  int64_t number = -1;
  const std::regex wanted(pattern);
  for (std::sregex_iterator match(text.begin(), text.end(), wanted), end; match != end; ++match) {
    EXPECT_TRUE(absl::SimpleAtoi((*match)[1].str(), &number));
  }
  return number;
}

class DrainTest : public ::testing::TestWithParam<RecoveryCase> {
 protected:
  // Starts the experiment with one actor.
  void Begin(int rounds = kRounds) {
    WriteRecoveryExperiment(GetParam(), rounds, file_);
    service_.StartActor("actor");
    id_ = service_.Submit(file_);
  }

  bool Reaches(int rows) const {
    return Eventually([&] { return service_.NumRows(id_) >= rows; });
  }

  void ExpectDrains(const std::string& name) {
    absl::Duration took;
    const ProcessExit exit = service_.Terminate(name, took);
    EXPECT_TRUE(exit.ok()) << name << service_.LogOf(name);
    EXPECT_LE(took, kGrace) << name;
  }

  // The experiment ends with what it learns undisturbed, from every step once.
  void ExpectTheUndisturbedEnd() {
    service_.AwaitSuccess(id_, kTrainingTimeout);
    EXPECT_EQ(DigestOf(service_.Results(id_)), UndisturbedDigest(file_, folder_ / "undisturbed"));
    EXPECT_EQ(service_.NumRows(id_), kMembers * kRounds);
  }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "experiment.textproto";
  ProxiedService service_;
  std::string id_;
};

TEST_P(DrainTest, AnActorThatStepsLeavesEveryStepItTookStored) {
  Begin(/*rounds=*/1000000);
  ASSERT_TRUE(Reaches(kMembers)) << service_.LogOf("learner");
  ExpectDrains("actor");
  const std::string log = service_.LogOf("actor");
  EXPECT_THAT(log, HasSubstr("the replay has answered for all"));
  const int64_t taken = LastNumber(log, "took ([0-9]+) steps");
  const int64_t again = LastNumber(log, "steps, ([0-9]+) of them again");
  EXPECT_GT(taken, 0);
  EXPECT_EQ(service_.Metric("replay", "sr2l_replay_steps_inserted_total"), taken - again);
  ExpectDrains("replay");
  service_.ExpectWholeLog(kStreams);
}

TEST_P(DrainTest, AnActorWhoseReplayDoesNotAnswerEndsInTimeAndAnotherOneGoesOn) {
  Begin();
  ASSERT_TRUE(Reaches(kRounds / 2)) << service_.LogOf("learner");
  service_.network(Link::kActorReplay).Stall();
  ExpectDrains("actor");
  service_.network(Link::kActorReplay).Pass();
  service_.StartActor("another");
  ExpectTheUndisturbedEnd();
}

TEST_P(DrainTest, ALearnerLeavesACheckpointOfItsLastRoundAndTheNextOneGoesOnFromThere) {
  Begin();
  ASSERT_TRUE(Reaches(kRounds / 2)) << service_.LogOf("learner");
  ExpectDrains("learner");
  const int rows = service_.NumRows(id_);
  EXPECT_LT(rows, kMembers * kRounds);
  service_.StartLearner();
  EXPECT_TRUE(Reaches(rows + 1)) << service_.LogOf("learner");
  ExpectTheUndisturbedEnd();
  // Members train on threads of their own: one may be a few rounds ahead.
  const std::string log = service_.LogOf("learner");
  EXPECT_THAT(log, HasSubstr("goes on from checkpoints of 2 member(s)"));
}

TEST_P(DrainTest, AReplayIsStartedAgainOnItsLogAndTheRunGoesOn) {
  Begin();
  ASSERT_TRUE(Reaches(kRounds / 2)) << service_.LogOf("learner");
  ExpectDrains("replay");
  EXPECT_LT(service_.NumRows(id_), kMembers * kRounds);
  service_.ExpectWholeLog(kStreams);
  service_.StartReplay();
  ExpectTheUndisturbedEnd();
}

INSTANTIATE_TEST_SUITE_P(Algorithms, DrainTest, ::testing::ValuesIn(kRecoveryCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
