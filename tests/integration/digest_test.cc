// What is learned depends on the configuration alone: not on the number of actors, and
// not on which of them was killed when.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/deploy/process_table.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/service.h"

namespace sr2l {
namespace {

constexpr absl::Duration kTrainingTimeout = absl::Minutes(5);
constexpr int kLongRounds = 40;  // long enough to be met in the middle
constexpr int kMembers = 3;

class DigestTest : public ::testing::Test {
 protected:
  static std::vector<std::string> FileArguments(const std::string& file, const std::string& run,
                                                int actors,
                                                const std::vector<std::string>& overrides) {
    std::vector<std::string> arguments = {
        Binary("sr2l"), "train", file, "--run", run, "--actors", std::to_string(actors)};
    for (const std::string& override : overrides) {
      arguments.insert(arguments.end(), {"--set", override});
    }
    return arguments;
  }
  std::vector<std::string> TrainArguments(const std::string& run, int actors, int rounds) const {
    return FileArguments(file_, run, actors, {"rounds=" + std::to_string(rounds)});
  }

  // Each trains and returns the digest.
  static std::string TrainFile(const std::string& file, const std::string& run, int actors,
                               const std::vector<std::string>& overrides) {
    const ProgramResult result =
        RunProgram(FileArguments(file, run, actors, overrides), kTrainingTimeout);
    EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
    return Digest(run);
  }
  std::string Train(const std::string& run, int actors, int rounds) const {
    return TrainFile(file_, run, actors, {"rounds=" + std::to_string(rounds)});
  }

  static std::string Digest(const std::string& run) {
    const ProgramResult result = RunProgram({Binary("sr2l"), "digest", run});
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return result.output;
  }

  // Writes an experiment of four rounds; returns its path.
  std::string WriteShort(const std::string& name, const std::string& text) const {
    const std::string path = folder_ / (name + ".textproto");
    WriteFile(path, "trpo { hidden: [32, 32] } rounds: 4 streams_per_member: 2\n" + text);
    return path;
  }

  TemporaryFolder folder_;
  const std::string file_ = WritePendulum(folder_);
};

// The SHA-256 of a member's parameters in a digest; empty when there is no such member.
std::string MemberSum(const std::string& digest, int wanted) {
  std::istringstream lines(digest);
  int member = 0;
  int env_steps = 0;
  int updates = 0;
  for (std::string sum; lines >> member >> env_steps >> updates >> sum;) {
    if (member == wanted) return sum;
  }
  return "";
}

TEST_F(DigestTest, IsTheSameForOneTwoAndFourActors) {
  const std::string one = Train(folder_ / "one", 1, 8);
  EXPECT_EQ(Train(folder_ / "two", 2, 8), one);
  EXPECT_EQ(Train(folder_ / "four", 4, 8), one);

  // Every member took its 8 x 500 steps, and seeds make a difference.
  std::istringstream lines(one);
  std::set<std::string> sums;
  int member = 0;
  int env_steps = 0;
  int updates = 0;
  for (std::string sum; lines >> member >> env_steps >> updates >> sum;) {
    EXPECT_EQ(env_steps, 4000);
    EXPECT_EQ(updates, 8);
    EXPECT_TRUE(sums.insert(sum).second) << sum;
  }
  EXPECT_EQ(sums.size(), static_cast<size_t>(kMembers));
}

TEST_F(DigestTest, IsTheSameWhenAnActorIsKilledAndStartedAgain) {
  const std::string undisturbed = Train(folder_ / "undisturbed", 2, kLongRounds);

  const std::string run = folder_ / "disturbed";
  RunningProgram train(TrainArguments(run, 2, kLongRounds));
  for (const int rows : {kMembers * 5, kMembers * 12}) {
    ASSERT_TRUE(Eventually([&] { return NumCurveRows(run + "/curve.csv") >= rows; }))
        << train.output() << train.errors();
    const std::vector<pid_t> actors = ChildrenWith(train.pid(), "sr2l-actor");
    ASSERT_FALSE(actors.empty());
    ASSERT_EQ(kill(actors.front(), SIGKILL), 0);
  }
  EXPECT_LT(NumCurveRows(run + "/curve.csv"), kMembers * kLongRounds);
  const ProgramResult result = train.Wait(kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, ::testing::HasSubstr("was killed by signal 9 (Killed); starting"));
  EXPECT_EQ(Digest(run), undisturbed);
}

TEST_F(DigestTest, IsTheSameWhenAnotherActorTakesOver) {
  const std::string undisturbed = Train(folder_ / "undisturbed", 1, kLongRounds);

  Service service;
  service.StartReplay();
  service.StartLearner();
  service.StartActor("first");
  const std::string id = service.Submit(file_, {"rounds=" + std::to_string(kLongRounds)});
  const std::string curve = service.Results(id) + "/curve.csv";
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(curve) >= kMembers * 5; }));
  service.Kill("first");
  EXPECT_LT(NumCurveRows(curve), kMembers * kLongRounds);
  service.StartActor("second");
  const ProgramResult watch = service.Sr2l({"watch", id});
  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors;
  EXPECT_EQ(Digest(service.Results(id)), undisturbed);
}

TEST_F(DigestTest, IsTheSameWhenActorsComeAndGo) {
  const std::string undisturbed = Train(folder_ / "undisturbed", 1, kLongRounds);

  Service service;
  service.StartReplay();
  service.StartLearner();
  const std::string id = service.Submit(file_, {"rounds=" + std::to_string(kLongRounds)});
  service.StartActor("first");
  const std::string curve = service.Results(id) + "/curve.csv";
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(curve) >= kMembers * 3; }));
  service.StartActor("second");
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(curve) >= kMembers * 8; }));
  EXPECT_TRUE(service.Terminate("first").ok());
  const ProgramResult watch = service.Sr2l({"watch", id});
  EXPECT_EQ(watch.exit_code, 0) << watch.output << watch.errors;
  EXPECT_EQ(Digest(service.Results(id)), undisturbed);
}

TEST_F(DigestTest, IsTheSameForARobotWithContactsWhoseActorIsKilled) {
  constexpr int kRobots = 2;
  // Rounds of a second, so that the kill comes between the first one and the last.
  const std::string file = WriteShort("hopper", R"pb(
    task { builtin: "hopper" }
    smoothness { radius: 0.01 coefficient: 0.1 }
    members { seeds: [0, 1] }
    steps_per_round: 4000
  )pb");
  const std::string undisturbed = TrainFile(file, folder_ / "undisturbed", 1, {});

  const std::string run = folder_ / "disturbed";
  RunningProgram train(FileArguments(file, run, 2, {}));
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(run + "/curve.csv") >= kRobots; }))
      << train.output() << train.errors();
  const std::vector<pid_t> actors = ChildrenWith(train.pid(), "sr2l-actor");
  ASSERT_FALSE(actors.empty());
  ASSERT_EQ(kill(actors.front(), SIGKILL), 0);
  const ProgramResult result = train.Wait(kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, ::testing::HasSubstr("was killed by signal 9 (Killed); starting"));
  EXPECT_EQ(Digest(run), undisturbed);
}

// At coefficient 0 the regularizer changes no bit of policy and baseline.
TEST_F(DigestTest, OfACoefficientOfZeroIsThatOfPlainTrpo) {
  const std::string plain = WriteShort("plain", R"pb(
    task { builtin: "inverted_pendulum" } steps_per_round: 500
  )pb");
  const std::string zero = WriteShort("zero", R"pb(
    task { builtin: "inverted_pendulum" } steps_per_round: 500
    smoothness { radius: 0.01 coefficient: 0 }
  )pb");
  const std::string digest = TrainFile(plain, folder_ / "plain", 1, {});
  EXPECT_FALSE(MemberSum(digest, 0).empty()) << digest;
  EXPECT_EQ(TrainFile(zero, folder_ / "zero", 1, {}), digest);
  EXPECT_NE(TrainFile(zero, folder_ / "one", 1, {"smoothness.coefficient=1"}), digest);
}

// The running statistics of the observations do not depend on who saw them.
TEST_F(DigestTest, WithNormalizedObservationsIsTheSameForOneAndThreeActors) {
  const std::string file = WriteShort("normalized", R"pb(
    task { builtin: "inverted_pendulum" } steps_per_round: 500
    smoothness { radius: 0.1 coefficient: 1 }
    observation_normalization {}
  )pb");
  const std::string one = TrainFile(file, folder_ / "one", 1, {});
  EXPECT_FALSE(MemberSum(one, 0).empty()) << one;
  EXPECT_EQ(TrainFile(file, folder_ / "three", 3, {}), one);
  EXPECT_NE(TrainFile(file, folder_ / "wide", 1, {"observation_normalization.clip=0.5"}), one);
}

TEST_F(DigestTest, OfAMemberAloneIsThatOfTheMemberAmongOthers) {
  const std::string among = Train(folder_ / "among", 1, 4);
  const std::string alone =
      TrainFile(file_, folder_ / "alone", 1, {"rounds=4", "members.seeds=[1]"});
  EXPECT_FALSE(MemberSum(alone, 0).empty()) << alone;
  EXPECT_EQ(MemberSum(alone, 0), MemberSum(among, 1));
}

// DDPG and its smooth variants, over cycles that begin before the first update.
const char* const kDdpgVariants[] = {
    "",
    "smoothness { on: POLICY radius: 0.01 coefficient: 1 }",
    "smoothness { on: CRITIC radius: 0.01 coefficient: 1 } observation_normalization {}",
};

class DdpgDigestTest : public DigestTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // Rounds of 400 steps in cycles of 40, two streams, replay smaller than the experiment.
  std::string WriteDdpg(const std::string& smoothness) const {
    const std::string path = folder_ / "ddpg.textproto";
    WriteFile(path, R"pb(
      task { builtin: "inverted_pendulum" }
      ddpg { first_update: 200 steps_per_cycle: 40 updates_per_cycle: 20 capacity: 1500 }
      members { seeds: [0, 1] }
      streams_per_member: 2
      rounds: 5
      steps_per_round: 400
    )pb" + smoothness);
    return path;
  }
};

TEST_P(DdpgDigestTest, IsTheSameForOneTwoAndFourActorsAndAfterAKill) {
  const std::string file = WriteDdpg(GetParam());
  const std::string one = TrainFile(file, folder_ / "one", 1, {});
  // 2000 steps of each member; updates in the 46 cycles from the one that ends at step 200.
  EXPECT_THAT(one, ::testing::ContainsRegex("0 2000 920 [0-9a-f]+\n1 2000 920 [0-9a-f]+\n"));
  EXPECT_NE(MemberSum(one, 0), MemberSum(one, 1));
  EXPECT_EQ(TrainFile(file, folder_ / "two", 2, {}), one);
  EXPECT_EQ(TrainFile(file, folder_ / "four", 4, {}), one);

  const std::string run = folder_ / "disturbed";
  RunningProgram train(FileArguments(file, run, 2, {}));
  ASSERT_TRUE(Eventually([&] { return NumCurveRows(run + "/curve.csv") >= 2; }))
      << train.output() << train.errors();
  const std::vector<pid_t> actors = ChildrenWith(train.pid(), "sr2l-actor");
  ASSERT_FALSE(actors.empty());
  ASSERT_EQ(kill(actors.front(), SIGKILL), 0);
  const ProgramResult result = train.Wait(kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_THAT(result.output, ::testing::HasSubstr("was killed by signal 9 (Killed); starting"));
  EXPECT_EQ(Digest(run), one);
}

INSTANTIATE_TEST_SUITE_P(Variants, DdpgDigestTest, ::testing::ValuesIn(kDdpgVariants));

TEST_F(DdpgDigestTest, OfACoefficientOfZeroIsThatOfPlainDdpg) {
  const std::string file = WriteDdpg("");
  const std::vector<std::string> short_run = {"rounds=2", "members.seeds=[3]"};
  const std::string plain = TrainFile(file, folder_ / "plain", 1, short_run);
  EXPECT_FALSE(MemberSum(plain, 0).empty()) << plain;
  for (const char* target : {"POLICY", "CRITIC"}) {
    const auto train = [&](const std::string& name, const std::string& coefficient) {
      std::vector<std::string> overrides = short_run;
      overrides.push_back(std::string("smoothness={on: ") + target +
                          " radius: 0.1 coefficient: " + coefficient + "}");
      return TrainFile(file, folder_ / (std::string(target) + name), 1, overrides);
    };
    EXPECT_EQ(train("zero", "0"), plain) << target;
    EXPECT_NE(train("one", "1"), plain) << target;
  }
}

}  // namespace
}  // namespace sr2l
