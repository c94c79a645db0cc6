// sr2l evaluate, on runs' folders that were written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/config/load.h"
#include "common/config/validate.h"
#include "common/policy/member_file.h"
#include "tests/actor/evaluation_policies.h"
#include "tests/deploy/evaluation_csv.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class EvaluateTest : public ::testing::Test {
 protected:
  EvaluateTest() {
    WriteExperiment("task { builtin: 'swimmer' step_limit: 40 } trpo {} members { seeds: [4, 5] }");
    std::filesystem::create_directory(folder_ / "policies");
    WriteMember("member_000.member", Member(0, 30));
    WriteMember("member_000_round_000010.member", Member(0, 10));
    WriteMember("member_000_round_000030.member", Member(0, 30));
    WriteMember("member_001.member", Member(1, 30));
  }

  void WriteExperiment(const std::string& text) const {
    const auto config = ParseExperiment(text, "test");
    ASSERT_TRUE(config.ok()) << config.status();
    const auto resolved = ResolveExperiment(*config);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    WriteFile(folder_ / "experiment.textproto", FormatExperiment(*resolved));
  }

  static v1::TrainedMember Member(uint32_t number, uint64_t version) {
    v1::TrainedMember member;
    *member.mutable_policy() =
        RandomPolicy(8, 2, 1 + 0.01 * static_cast<double>(version + number), {-1});
    member.mutable_policy()->set_member(number);
    member.mutable_policy()->set_version(version);
    member.set_task("swimmer");
    member.set_seed(4 + number);
    member.set_version("sr2l 0.1.7, LibTorch 1.13.1");
    return member;
  }

  void WriteMember(const std::string& name, const v1::TrainedMember& member) const {
    WriteFile(folder_ / ("policies/" + name), EncodeMemberFile(member));
  }

  // What is wrong, of a command that must fail; its one line.
  std::string ErrorOf(const Arguments& further, int exit_code = 1) const {
    Arguments arguments = {"evaluate", folder_.path()};
    arguments.insert(arguments.end(), further.begin(), further.end());
    const ProgramResult result = Sr2l(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.output << result.errors;
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    return result.errors;
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluateTest, RepeatedItWritesTheSameBytesForOneAndTwoThreads) {
  const Arguments few = {"--episodes", "3", "--radius", "0.02,0.2", "--seed", "9"};
  const auto csv = [&](const std::string& threads) {
    Arguments arguments = few;
    arguments.insert(arguments.end(), {"--threads", threads});
    return Csv(folder_.path(), arguments);
  };
  const std::string one = csv("1");
  EXPECT_EQ(csv("1"), one);
  EXPECT_EQ(csv("2"), one);
  EXPECT_EQ(csv("5"), one);
  EXPECT_EQ(Parse(one).size(), 10u);
  EXPECT_NE(Csv(folder_.path(), {"--episodes", "3", "--radius", "0.02,0.2"}), one);
}

TEST_F(EvaluateTest, ARadiusOfZeroIsTheCleanRowButForItsName) {
  for (const char* actions : {"mean", "sampled"}) {
    std::vector<Row> rows =
        Parse(Csv(folder_.path(), {"--radius", "0", "--episodes", "3", "--actions", actions}));
    ASSERT_EQ(rows.size(), 6u);
    for (Row& row : rows) row.erase("disturbance");
    EXPECT_EQ(rows[1], rows[0]);
    EXPECT_EQ(rows[2], rows[0]);
    EXPECT_NE(rows[3], rows[0]);
  }
}

TEST_F(EvaluateTest, RowsAreMembersThenDisturbancesThenRadii) {
  std::vector<std::string> rows;
  for (const Row& row :
       Parse(Csv(folder_.path(), {"--radius", "0.1,0.01", "--episodes", "1", "--member", "1"}))) {
    rows.push_back(row.at("member") + " " + row.at("seed") + " " + row.at("disturbance") + " " +
                   row.at("radius"));
  }
  EXPECT_THAT(rows, ElementsAre("1 5 none 0", "1 5 random 0.1", "1 5 random 0.01",
                                "1 5 adversarial 0.1", "1 5 adversarial 0.01"));
}

TEST_F(EvaluateTest, ResultsGoIntoTheRunsFolderAndATableToTheTerminal) {
  const ProgramResult result = Sr2l({"evaluate", folder_.path(), "--episodes", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("member  seed  version"));
  EXPECT_THAT(result.output, EndsWith("results: " + folder_.path() + "/evaluation.csv\n"));
  EXPECT_EQ(ReadFile(folder_ / "evaluation.csv"), Csv(folder_.path(), {"--episodes", "2"}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "evaluation.csv.tmp"));

  EXPECT_EQ(
      Sr2l({"evaluate", folder_.path(), "--episodes", "2", "--csv", folder_ / "own.csv"}).exit_code,
      0);
  EXPECT_EQ(ReadFile(folder_ / "own.csv"), ReadFile(folder_ / "evaluation.csv"));
}

TEST_F(EvaluateTest, AKeptPolicyIsChosenByItsVersion) {
  const Arguments clean = {"--disturbance", "none", "--member", "0", "--episodes", "2"};
  const auto row = [&](const std::string& policy) {
    Arguments arguments = clean;
    arguments.insert(arguments.end(), {"--policy", policy});
    return Parse(Csv(folder_.path(), arguments)).at(0);
  };
  EXPECT_EQ(row("10").at("policy_version"), "10");
  EXPECT_EQ(row("30"), row("final"));
  EXPECT_NE(row("10").at("return_mean"), row("final").at("return_mean"));
}

// Of a policy that samples both the means and the samples are measured.
TEST_F(EvaluateTest, SampledActionsAreTheDefaultOfAGaussianPolicy) {
  const Row sampled = Parse(Csv(folder_.path(), {"--disturbance", "none"})).at(0);
  EXPECT_EQ(sampled.at("actions"), "sampled");
  EXPECT_GT(std::stod(sampled.at("sampled_sm")), std::stod(sampled.at("sm")));
  EXPECT_EQ(sampled.at("episodes"), "10");
  EXPECT_EQ(sampled.at("length_mean"), "40");
  EXPECT_EQ(sampled.at("control_hz"), "25");
  EXPECT_EQ(sampled.at("high_frequency_hz"), "6.25");
  const Row means = Parse(Csv(folder_.path(), {"--actions", "mean"})).at(0);
  EXPECT_EQ(means.at("sampled_sm"), "");
}

// ---- Bad input ------------------------------------------------------------------------

TEST_F(EvaluateTest, AMissingRunIsAnError) {
  const ProgramResult result = Sr2l({"evaluate", folder_ / "nowhere"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "sr2l: there is no run's folder " + (folder_ / "nowhere") + "\n");
  std::filesystem::remove(folder_ / "experiment.textproto");
  EXPECT_THAT(ErrorOf({}), HasSubstr("is no run's folder: it has no experiment.textproto"));
}

TEST_F(EvaluateTest, ARunWithoutPoliciesIsAnError) {
  std::filesystem::remove(folder_ / "policies/member_001.member");
  EXPECT_THAT(ErrorOf({}), HasSubstr("member 1 has no policy yet: there is no "));
  EXPECT_NE(Csv(folder_.path(), {"--member", "0", "--episodes", "1"}), "");
  std::filesystem::remove_all(folder_ / "policies");
  EXPECT_THAT(ErrorOf({}), HasSubstr("member 0 has no policy yet"));
}

// Wherever the file was cut.
TEST_F(EvaluateTest, ATruncatedPolicyIsAnError) {
  const std::string whole = EncodeMemberFile(Member(1, 30));
  for (const size_t length : {size_t{0}, size_t{1}, whole.size() / 2, whole.size() - 1}) {
    WriteFile(folder_ / "policies/member_001.member", whole.substr(0, length));
    EXPECT_THAT(ErrorOf({}), HasSubstr("policies/member_001.member is not a trained member, or is "
                                       "damaged"));
  }
}

TEST_F(EvaluateTest, APolicyThatAnotherVersionWroteIsAnError) {
  for (const std::string version : {"sr2l 9.2.0, LibTorch 3.0", "sr2l 0.10.0", ""}) {
    v1::TrainedMember member = Member(1, 30);
    member.set_version(version);
    WriteMember("member_001.member", member);
    EXPECT_THAT(ErrorOf({}), HasSubstr("member_001.member must be of sr2l 0.1, it was written by " +
                                       (version.empty() ? "another version" : version)));
  }
}

TEST_F(EvaluateTest, AnExperimentOfAnotherVersionIsAnErrorThatNamesTheField) {
  std::ofstream(folder_ / "experiment.textproto", std::ios::app) << "teleport: 3\n";
  EXPECT_THAT(ErrorOf({}), HasSubstr("teleport"));
}

TEST_F(EvaluateTest, APolicyThatIsNotTheTasksIsAnError) {
  WriteExperiment("task { builtin: 'hopper' } trpo {} members { seeds: [4, 5] }");
  EXPECT_THAT(ErrorOf({}),
              HasSubstr("member_000.member must be of the task hopper, it is of swimmer"));
}

TEST_F(EvaluateTest, APolicyOfAnotherMemberIsAnError) {
  WriteMember("member_001.member", Member(0, 30));
  EXPECT_THAT(ErrorOf({}), HasSubstr("member_001.member must be of member 1, it is of 0"));
}

TEST_F(EvaluateTest, APolicyThatDoesNotComputeIsAnError) {
  v1::TrainedMember member = Member(1, 30);
  member.mutable_policy()->mutable_parameters()->resize(100);
  WriteMember("member_001.member", member);
  EXPECT_THAT(ErrorOf({}), HasSubstr("member 1: parameters must have"));
}

TEST_F(EvaluateTest, AMemberOrVersionThatIsNotThereIsAnErrorThatSaysWhichAre) {
  EXPECT_THAT(ErrorOf({"--member", "2"}),
              HasSubstr("--member must be in [0, 1], the run's members; got 2"));
  EXPECT_THAT(
      ErrorOf({"--policy", "11"}),
      HasSubstr("--policy must be final or a version that member 0 keeps (10, 30), got 11"));
}

TEST_F(EvaluateTest, ResultsThatHaveNowhereToGoAreAnErrorBeforeTheWork) {
  const std::string path = folder_ / "nowhere/results.csv";
  EXPECT_THAT(ErrorOf({"--episodes", "1000000", "--csv", path}),
              HasSubstr("--csv must be in a folder that exists, got " + path));
}

TEST_F(EvaluateTest, AFolderWhereTheResultsGoIsAnErrorBeforeTheWork) {
  const std::string path = folder_ / "results";
  std::filesystem::create_directory(path);
  EXPECT_THAT(ErrorOf({"--episodes", "1000000", "--csv", path}),
              HasSubstr("--csv must be a file, " + path + " is a folder"));
  std::filesystem::create_directory(folder_ / "evaluation.csv");
  EXPECT_THAT(ErrorOf({"--episodes", "1000000"}), HasSubstr("evaluation.csv is a folder"));
}

TEST_F(EvaluateTest, TheLargestSeedIsOneOfItsOwn) {
  const Arguments flags = {"--disturbance", "none", "--episodes", "1", "--seed"};
  const auto seed_of = [&](const std::string& seed) {
    Arguments arguments = flags;
    arguments.push_back(seed);
    return Parse(Csv(folder_.path(), arguments)).at(0).at("evaluation_seed");
  };
  EXPECT_EQ(seed_of("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(seed_of("0"), "0");
}

TEST_F(EvaluateTest, ADeterministicPolicyHasNoSamples) {
  WriteExperiment("task { builtin: 'swimmer' step_limit: 40 } ddpg {}");
  v1::TrainedMember member = Member(0, 30);
  member.set_seed(0);
  member.mutable_policy()->clear_log_std();
  WriteMember("member_000.member", member);
  EXPECT_THAT(ErrorOf({"--actions", "sampled"}),
              HasSubstr("member 0: --actions must be mean for a deterministic policy"));
  EXPECT_EQ(Parse(Csv(folder_.path(), {"--episodes", "1"})).at(0).at("actions"), "mean");
}

TEST_F(EvaluateTest, WrongFlagsAreWrongUsage) {
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{"--radius", "-0.1"}, "--radius: must be in [0, 1000], got -0.1"},
      {{"--radius", "0.1,nan"}, "--radius: must be in [0, 1000], got nan"},
      {{"--radius", "inf"}, "--radius: must be in [0, 1000], got inf"},
      {{"--radius", "wide"}, "--radius: must be in [0, 1000], got wide"},
      {{"--probe-radius", "0"}, "--probe-radius: must be in [1e-12, 1000], got 0"},
      {{"--episodes", "0"}, "--episodes: must be a whole number in [1, 1000000], got 0"},
      {{"--episodes", "many"}, "--episodes: must be a whole number in [1, 1000000], got many"},
      {{"--episodes", "010"}, "--episodes: must be a whole number in [1, 1000000], got 010"},
      {{"--threads", "0"}, "--threads: must be a whole number in [1, 1024], got 0"},
      {{"--disturbance", "mild"}, "--disturbance: mild not in {none,random,adversarial}"},
      {{"--actions", "best"}, "--actions: best not in {mean,sampled}"},
      {{"--policy", "last"}, "--policy: must be final or a version, got last"},
      {{"--member", "-1"}, "--member: must be a whole number in [0, 4294967295], got -1"},
      {{"--member", "0,x"}, "--member: must be a whole number in [0, 4294967295], got x"},
      {{"--seed", "-1"}, "--seed: must be a whole number in [0, 18446744073709551615], got -1"},
      {{"--seed", "18446744073709551616"},
       "--seed: must be a whole number in [0, 18446744073709551615], got 18446744073709551616"},
      {{"--radius", "0.05,0.1,0.1"}, "--radius: must name every radius once, got 0.1 twice"},
      {{"--radius", "0.1", "--radius", "1e-1"}, "must name every radius once, got 0.1 twice"},
      {{"--epsiodes", "3"}, "unknown flag --epsiodes; did you mean --episodes?"},
  };
  for (const auto& [arguments, message] : cases) {
    EXPECT_THAT(ErrorOf(arguments, 2), HasSubstr(message));
    EXPECT_THAT(ErrorOf(arguments, 2), StartsWith("sr2l evaluate: "));
  }
}

}  // namespace
}  // namespace sr2l
