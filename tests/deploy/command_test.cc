// The sr2l command as a user meets it, without other processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

ProgramResult Sr2l(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), Binary("sr2l"));
  return RunProgram(arguments);
}

int NumLines(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

// Wrong usage: status 2, nothing on standard output, one line on standard error.
void ExpectWrongUsage(const std::vector<std::string>& arguments, const std::string& message) {
  const ProgramResult result = Sr2l(arguments);
  EXPECT_EQ(result.exit_code, 2) << result.errors;
  EXPECT_THAT(result.output, IsEmpty());
  EXPECT_EQ(NumLines(result.errors), 1) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr(message));
}

// A failure: status 1 and one line on standard error.
void ExpectFailure(const std::vector<std::string>& arguments, const std::string& message) {
  const ProgramResult result = Sr2l(arguments);
  EXPECT_EQ(result.exit_code, 1) << result.errors;
  EXPECT_EQ(NumLines(result.errors), 1) << result.errors;
  EXPECT_THAT(result.errors, AllOf(StartsWith("sr2l: "), HasSubstr(message)));
}

constexpr char kExperiment[] = R"pb(
  name: "pendulum"
  task { builtin: "inverted_pendulum" }
  trpo { max_kl: 0.02 }
  smoothness { radius: 0.01 coefficient: 1 }
  members { seeds: [ 0, 1 ] }
  rounds: 3
)pb";

constexpr const char* kVerbs[] = {"train",  "resume", "validate", "submit",  "list",
                                  "show",   "watch",  "cancel",   "limiter", "tasks",
                                  "digest", "audit",  "evaluate", "play",    "report",
                                  "export", "verify"};

class CommandTest : public ::testing::Test {
 protected:
  CommandTest() { WriteFile(file_, kExperiment); }

  TemporaryFolder folder_;
  const std::string file_ = folder_ / "pendulum.textproto";
};

TEST_F(CommandTest, PrintsItsVersion) {
  const ProgramResult result = Sr2l({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, MatchesRegex("sr2l [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(CommandTest, HelpNamesTheVerbs) {
  const ProgramResult result = Sr2l({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* verb : kVerbs) {
    EXPECT_THAT(result.output, HasSubstr(std::string("\n  ") + verb + " "));
  }
}

TEST_F(CommandTest, EveryVerbHasHelp) {
  for (const char* verb : kVerbs) {
    const ProgramResult result = Sr2l({verb, "--help"});
    EXPECT_EQ(result.exit_code, 0) << verb;
    EXPECT_THAT(result.output, HasSubstr("Usage")) << verb;
  }
}

TEST_F(CommandTest, MistypedVerbsAndFlagsGetTheNearestOne) {
  ExpectWrongUsage({"trian", file_}, "unknown command trian; did you mean train?");
  ExpectWrongUsage({"train", file_, "--actor", "2"},
                   "unknown flag --actor; did you mean --actors?");
  ExpectWrongUsage({"validate", file_, "--sett", "a=b"}, "did you mean --set?");
  ExpectWrongUsage({"watch", "id", "--learnr=x"}, "did you mean --learner?");
  ExpectWrongUsage({"frobnicate"}, "unknown command frobnicate (see sr2l --help)");
}

TEST_F(CommandTest, IncompleteAndWrongArgumentsAreWrongUsage) {
  ExpectWrongUsage({}, "sr2l: ");
  ExpectWrongUsage({"train"}, "FILE is required");
  ExpectWrongUsage({"train", file_, "more"}, "unexpected argument more");
  ExpectWrongUsage({"train", file_, "--actors", "0"}, "--actors");
  ExpectWrongUsage({"train", file_, "--actors", "many"},
                   "--actors: must be a whole number in [1, 1024], got many");
  ExpectWrongUsage({"train", file_, "--replay-memory-mib", "-18446744073709551600"},
                   "--replay-memory-mib: must be a whole number in [16, 1048576]");
  ExpectWrongUsage({"limiter", "x", "--learner", "unix:/x", "--max-staleness", "-1"},
                   "--max-staleness: must be a whole number in [1, 1000000], got -1");
  ExpectWrongUsage({"train", file_, "--device", "gpu"}, "must be cpu, cuda or cuda:N, got gpu");
  ExpectWrongUsage({"submit", file_}, "--learner is required");
  ExpectWrongUsage({"show", "--learner", "127.0.0.1:1"}, "ID is required");
  ExpectWrongUsage({"digest"}, "DIR is required");
}

TEST_F(CommandTest, ValidatePrintsEveryDefault) {
  const ProgramResult result = Sr2l({"validate", file_});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  for (const char* text : {"name: \"pendulum\"", "max_kl: 0.02", "gae_lambda: 0.97",
                           "steps_per_round: 1000", "step_limit: 1000", "rounds: 3"}) {
    EXPECT_THAT(result.output, HasSubstr(text));
  }
}

TEST_F(CommandTest, WhatValidatePrintsIsValidAndPrintsTheSameAgain) {
  const std::string first = Sr2l({"validate", file_}).output;
  WriteFile(folder_ / "complete.textproto", first);
  const ProgramResult second = Sr2l({"validate", folder_ / "complete.textproto"});
  EXPECT_EQ(second.exit_code, 0) << second.errors;
  EXPECT_EQ(second.output, first);
}

TEST_F(CommandTest, SetOverridesOneFieldAndMayBeGivenManyTimes) {
  const ProgramResult result = Sr2l({"validate", file_, "--set", "trpo.max_kl=0.5", "--set",
                                     "rounds=9", "--set", "members.seeds=[4,5,6]"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("max_kl: 0.5"), HasSubstr("rounds: 9"), HasSubstr("seed: 6")));
}

TEST_F(CommandTest, WrongConfigurationsNameTheFieldOnOneLine) {
  ExpectFailure({"validate", file_, "--set", "trpo.max_kl=-1"}, "trpo.max_kl");
  ExpectFailure({"validate", file_, "--set", "trpo.max_kll=1"}, "max_kl");
  ExpectFailure({"validate", file_, "--set", "nonsense"}, "nonsense");
  ExpectFailure({"validate", folder_ / "missing.textproto"}, "missing.textproto");
  WriteFile(folder_ / "bad.textproto", "rounds: 3\nroundz: 4\n");
  ExpectFailure({"validate", folder_ / "bad.textproto"}, "bad.textproto:2:");
}

TEST_F(CommandTest, TasksListsTheBuiltInTasksWithTheirDimensions) {
  const ProgramResult result = Sr2l({"tasks"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  for (const char* row :
       {"ant +111 +8 +5 +1000", "half_cheetah +17 +6 +5 +1000", "hopper +11 +3 +4 +1000",
        "inverted_pendulum +4 +1 +2 +1000", "swimmer +8 +2 +4 +1000", "walker2d +17 +6 +4 +1000"}) {
    EXPECT_THAT(result.output, ::testing::ContainsRegex(std::string("\n") + row));
  }
}

TEST_F(CommandTest, TrainStartsNothingForAWrongConfiguration) {
  const std::string run = folder_ / "run";
  ExpectFailure({"train", file_, "--run", run, "--set", "rounds=0"}, "rounds");
  EXPECT_FALSE(std::filesystem::exists(run));
}

TEST_F(CommandTest, TrainRefusesLessMemoryThanAReplayTakes) {
  const std::string run = folder_ / "run";
  const ProgramResult result = Sr2l({"train", file_, "--run", run, "--replay-memory-mib", "15"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, AllOf(HasSubstr("--replay-memory-mib"), HasSubstr("16")));
  EXPECT_FALSE(std::filesystem::exists(run));
}

TEST_F(CommandTest, TrainRefusesAFolderThatIsNotEmpty) {
  ExpectFailure({"train", file_, "--run", folder_.path()}, "is not empty");
}

TEST_F(CommandTest, CallsToALearnerThatIsNotThereFailWithItsAddress) {
  const std::string address = "unix:" + (folder_ / "nobody.sock");
  ExpectFailure({"list", "--learner", address}, address);
  ExpectFailure({"show", "x", "--learner", address}, address);
  ExpectFailure({"cancel", "x", "--learner", address}, address);
  ExpectFailure({"submit", file_, "--learner", address}, address);
}

TEST_F(CommandTest, PlainTextBeyondThisMachineNeedsTheFlagThatSaysSo) {
  ExpectFailure({"list", "--learner", "learner.example:7000"}, "--insecure");
  ExpectFailure({"list", "--learner", "nonsense"}, "expected unix:/path or host:port");
}

TEST_F(CommandTest, DigestOfAFolderThatIsNoRunFails) {
  ExpectFailure({"digest", folder_.path()}, "no trained members");
}

}  // namespace
}  // namespace sr2l
