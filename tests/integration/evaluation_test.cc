// Evaluations while the service trains: each is recorded once, with the numbers that `sr2l
// evaluate` finds for the same policy, whatever ends in between; and nothing else changes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/deploy/process_table.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/integration/recovery_runs.h"
#include "tests/integration/service.h"
#include "tests/learner/tensorboard/event_reader.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

constexpr absl::Duration kTrainingTimeout = absl::Minutes(10);

// The cells of a CSV's rows, by the names in its first line.
std::vector<std::map<std::string, std::string>> ParseRows(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  std::vector<std::map<std::string, std::string>> rows;
  if (lines.empty()) return rows;
  const std::vector<std::string> names = absl::StrSplit(lines[0], ',');
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = absl::StrSplit(lines[i], ',');
    EXPECT_EQ(cells.size(), names.size()) << lines[i];
    std::map<std::string, std::string>& row = rows.emplace_back();
    for (size_t j = 0; j < std::min(cells.size(), names.size()); ++j) row[names[j]] = cells[j];
  }
  return rows;
}

// The lines of evaluations.csv: members land in any order.
std::vector<std::string> SortedLines(const std::string& run) {
  std::vector<std::string> lines =
      absl::StrSplit(ReadFile(run + "/evaluations.csv"), '\n', absl::SkipEmpty());
  std::sort(lines.begin(), lines.end());
  return lines;
}

void ExpectNothingPending(const std::string& run) {
  EXPECT_TRUE(fs::is_empty(run + "/evaluations/pending"));
}

// Of the only event file of a TensorBoard run: steps and mean returns of its evaluations.
std::vector<std::pair<int64_t, float>> EvaluationEvents(const std::string& run) {
  std::vector<std::pair<int64_t, float>> evaluations;
  for (const auto& file : fs::directory_iterator(run)) {
    for (const ReadEvent& event : ReadEventFile(ReadFile(file.path()))) {
      const auto found = event.scalars.find("eval/mean_reward");
      if (found != event.scalars.end()) evaluations.emplace_back(event.step, found->second);
    }
  }
  return evaluations;
}

class EvaluationIntegrationTest : public ::testing::TestWithParam<RecoveryCase> {
 protected:
  // Appends `evaluation` to the case's experiment.
  std::string WriteExperiment(const std::string& name, int rounds, const std::string& evaluation) {
    const std::string path = folder_ / (name + ".textproto");
    WriteRecoveryExperiment(GetParam(), rounds, path);
    WriteFile(path, ReadFile(path) + evaluation);
    return path;
  }

  TemporaryFolder folder_;
};

TEST_P(EvaluationIntegrationTest, ItChangesNothingAndFindsWhatEvaluateFinds) {
  const std::string plain = UndisturbedDigest(WriteExperiment("plain", 5, ""), folder_ / "plain");
  EXPECT_FALSE(fs::exists(folder_ / "plain/evaluations.csv"));
  const std::string file =
      WriteExperiment("evaluated", 5, "evaluation { every_rounds: 2 episodes: 3 }");
  const std::string run = folder_ / "evaluated";
  std::vector<std::string> command = TrainCommand(file, run);
  command.insert(command.end(), {"--set", "keep_policy_every=1"});
  const ProgramResult trained = RunProgram(command, kTrainingTimeout);
  EXPECT_EQ(trained.exit_code, 0) << trained.output << trained.errors;
  EXPECT_THAT(trained.output, HasSubstr("evaluated"));
  EXPECT_EQ(DigestOf(run), plain);

  std::map<std::string, int> rows_at;  // by member and round
  for (const auto& row : ParseRows(ReadFile(run + "/evaluations.csv"))) {
    ++rows_at[row.at("member") + "/" + row.at("round")];
    EXPECT_EQ(row.at("seed"), row.at("member"));
    EXPECT_EQ(row.at("env_steps"), absl::StrCat(400 * std::stoi(row.at("round"))));
    const ProgramResult evaluated =
        RunProgram({Binary("sr2l"), "evaluate", run, "--member", row.at("member"), "--policy",
                    row.at("policy_version"), "--actions", "mean", "--disturbance", "none",
                    "--episodes", "3", "--seed", row.at("evaluation_seed"), "--csv", "-"});
    ASSERT_EQ(evaluated.exit_code, 0) << evaluated.errors;
    const auto expected = ParseRows(evaluated.output);
    ASSERT_EQ(expected.size(), 1u);
    for (const char* column : {"env_steps", "policy_version", "episodes", "return_mean",
                               "return_std", "return_min", "return_max", "length_mean"}) {
      EXPECT_EQ(std::stod(row.at(column)), std::stod(expected[0].at(column))) << column;
    }
  }
  EXPECT_EQ(rows_at, (std::map<std::string, int>{
                         {"0/2", 1}, {"0/4", 1}, {"0/5", 1}, {"1/2", 1}, {"1/4", 1}, {"1/5", 1}}));
  ExpectNothingPending(run);
  EXPECT_EQ(EvaluationEvents(run + "/tensorboard/member_001").size(), 3u);
}

TEST_P(EvaluationIntegrationTest, KilledActorsAndLearnersLeaveEveryRowOnce) {
  constexpr int kRounds = 24;
  const std::string plain =
      UndisturbedDigest(WriteExperiment("plain", kRounds, ""), folder_ / "plain");
  const std::string file =
      WriteExperiment("evaluated", kRounds, "evaluation { every_rounds: 3 episodes: 20 }");
  ASSERT_EQ(UndisturbedDigest(file, folder_ / "undisturbed"), plain);
  const std::vector<std::string> expected = SortedLines(folder_ / "undisturbed");
  EXPECT_EQ(expected.size(), 1u + 2 * kRounds / 3);

  const std::string run = folder_ / "disturbed";
  RunningProgram train(TrainCommand(file, run));
  int rows = 1;
  for (const char* program : {"sr2l-actor", "sr2l-learner", "sr2l-actor", "sr2l-actor"}) {
    ASSERT_TRUE(Eventually([&] { return NumCurveRows(run + "/evaluations.csv") >= rows; }))
        << train.output() << train.errors();
    const std::vector<pid_t> processes = ChildrenWith(train.pid(), program);
    ASSERT_FALSE(processes.empty()) << program;
    ASSERT_EQ(kill(processes.front(), SIGKILL), 0);
    rows += 3;
  }
  const ProgramResult result = train.Wait(kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  EXPECT_EQ(DigestOf(run), plain);
  EXPECT_EQ(SortedLines(run), expected);
  ExpectNothingPending(run);
  for (const char* member : {"member_000", "member_001"}) {
    const auto events = EvaluationEvents(run + "/tensorboard/" + member);
    EXPECT_EQ(events.size(), kRounds / 3) << member;
    EXPECT_TRUE(std::is_sorted(events.begin(), events.end())) << member;
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, EvaluationIntegrationTest, ::testing::ValuesIn(kRecoveryCases),
                         [](const auto& info) { return info.param.name; });

TEST(EvaluationServiceTest, TheEndOfTrainingWaitsForEvaluationsAndSaysSo) {
  const TemporaryFolder folder;
  Service service;
  service.StartReplay();
  service.StartLearner();
  service.StartActor("one");
  // Training takes a moment, the one evaluation of each member at its end minutes.
  WriteFile(folder / "swimmer.textproto", R"pb(
    task { builtin: "swimmer" }
    trpo { hidden: [ 8 ] }
    members { seeds: [ 0, 1, 2 ] }
    rounds: 1
    steps_per_round: 100
    evaluation { every_rounds: 1 episodes: 10000 }
  )pb");
  const std::string id = service.Submit(folder / "swimmer.textproto", {});
  const auto show = [&] { return service.Sr2l({"show", id}).output; };
  ASSERT_TRUE(Eventually([&] {
    return show().find("the evaluation of member 0 after round 1 and 2 more") != std::string::npos;
  })) << show();
  service.Kill("one");
  ASSERT_TRUE(Eventually([&] {
    return show().find("an actor (none is connected) for the evaluation of member 0") !=
           std::string::npos;
  })) << show();
  EXPECT_EQ(service.Sr2l({"cancel", id}).exit_code, 0);
  ASSERT_TRUE(Eventually([&] { return show().find("cancelled") != std::string::npos; })) << show();
  EXPECT_FALSE(fs::exists(service.Results(id) + "/evaluations.csv"));
}

TEST(EvaluationServiceTest, AFreeRunningExperimentIsEvaluatedToo) {
  const TemporaryFolder folder;
  const ProgramResult result =
      RunProgram({Binary("sr2l"), "train", SourceFile("deploy/experiments/free_running.textproto"),
                  "--run", folder / "run", "--actors", "2", "--set", "rounds=4", "--set",
                  "evaluation.every_rounds=1", "--set", "evaluation.episodes=1"},
                 kTrainingTimeout);
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  const auto rows = ParseRows(ReadFile(folder / "run/evaluations.csv"));
  ASSERT_FALSE(rows.empty());
  std::map<std::string, std::string> last;
  for (const auto& row : rows) last[row.at("member")] = row.at("round");
  for (const auto& [member, round] : last) EXPECT_EQ(round, "4") << member;
}

}  // namespace
}  // namespace sr2l
