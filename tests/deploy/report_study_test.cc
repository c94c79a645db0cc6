// What is read from runs' folders, how it is grouped, and what is computed of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "deploy/report/figures.h"
#include "deploy/report/study.h"
#include "deploy/report/summary.h"
#include "deploy/report/tables.h"
#include "tests/deploy/written_run.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kTrpo[] = R"pb(
  task { builtin: "swimmer" }
  trpo {}
  members { seeds: [ 0, 1, 2 ] }
  rounds: 6
)pb";
constexpr char kTrpoSr[] = R"pb(
  task { builtin: "swimmer" }
  trpo {}
  smoothness { radius: 0.02 coefficient: 3 }
  members { seeds: [ 0, 1 ] }
  rounds: 6
)pb";

// `text` with the first `old` replaced.
std::string With(std::string text, const std::string& old, const std::string& fresh) {
  return text.replace(text.find(old), old.size(), fresh);
}

// Spread over seeds and rounds, without a pattern.
double SomeReturn(uint64_t seed, int round) {
  return 10 * std::sin(3.0 * static_cast<double>(seed) + 1.7 * round) + round;
}

class StudyTest : public ::testing::Test {
 protected:
  RunData Run(const std::string& name, const std::string& experiment) {
    WriteRun(folder_ / name, experiment, SomeReturn);
    return *ReadRun(folder_ / name);
  }

  std::string ErrorOf(const std::string& name) {
    return std::string(ReadRun(folder_ / name).status().message());
  }

  const TemporaryFolder folder_;
};

TEST_F(StudyTest, RunsOfOneSettingPoolTheirSeeds) {
  const std::string others = With(kTrpo, "[ 0, 1, 2 ]", "[7, 5]");
  const Study study = MakeStudy({Run("a", kTrpo), Run("b", others)});
  ASSERT_THAT(study.panels, SizeIs(1));
  ASSERT_THAT(study.panels[0].settings, SizeIs(1));
  std::vector<uint64_t> seeds;
  for (const SeedRun& seed : study.panels[0].settings[0].seeds) seeds.push_back(seed.member->seed);
  EXPECT_THAT(seeds, ElementsAre(0, 1, 2, 5, 7));
  EXPECT_THAT(study.notes, IsEmpty());
}

TEST_F(StudyTest, ASeedThatWasTrainedTwiceCountsOnceAndThePageSaysSo) {
  const RunData run = Run("a", kTrpo);
  const Study study = MakeStudy({run, run});
  EXPECT_THAT(study.panels[0].settings[0].seeds, SizeIs(3));
  ASSERT_THAT(study.notes, SizeIs(3));
  EXPECT_THAT(study.notes[0], HasSubstr("seed 0 of TRPO was trained in"));
}

TEST_F(StudyTest, AlgorithmsShareAPanelAndTasksDoNot) {
  const std::string hopper = With(kTrpo, "swimmer", "hopper");
  const Study study = MakeStudy({Run("a", kTrpoSr), Run("b", kTrpo), Run("c", hopper)});
  ASSERT_THAT(study.panels, SizeIs(2));
  ASSERT_THAT(study.panels[0].settings, SizeIs(2));
  EXPECT_EQ(study.panels[0].settings[0].label, "TRPO");
  EXPECT_EQ(study.panels[0].settings[1].label, "TRPO-SR");
  EXPECT_EQ(study.panels[1].id, "trpo_hopper");
}

TEST_F(StudyTest, SettingsOfOneAlgorithmAreToldApartByWhatTheyDifferIn) {
  const std::string grid = With(kTrpoSr, "seeds: [ 0, 1 ]", "coefficient: [3, 30]");
  const std::string wide = With(kTrpo, "trpo {}", "trpo { max_kl: 0.5 }");
  const Study study = MakeStudy({Run("a", grid), Run("b", kTrpo), Run("c", wide)});
  std::vector<std::string> labels;
  for (const Setting& setting : study.panels[0].settings) labels.push_back(setting.label);
  EXPECT_THAT(labels, ElementsAre("TRPO, max_kl: 0.01", "TRPO, max_kl: 0.5", "TRPO-SR, ε 0.02, λ 3",
                                  "TRPO-SR, ε 0.02, λ 30"));
}

TEST_F(StudyTest, DdpgsVariantsHaveTheirNames) {
  const std::string ddpg = "task { builtin: 'hopper' } ddpg { first_update: 100 } rounds: 2 ";
  const Study study = MakeStudy({Run("a", ddpg), Run("b", ddpg + "smoothness { on: POLICY }"),
                                 Run("c", ddpg + "smoothness { on: CRITIC }")});
  std::vector<std::string> labels;
  for (const Setting& setting : study.panels.at(0).settings) labels.push_back(setting.label);
  EXPECT_THAT(labels, ElementsAre("DDPG", "DDPG-SR-A", "DDPG-SR-C"));
}

TEST_F(StudyTest, TheFinalReturnIsTheMeanOfTheLastRoundsAndNotTheBest) {
  WriteRun(folder_ / "a", kTrpo, [](uint64_t, int round) { return round == 2 ? 1000 : round; });
  const RunData run = *ReadRun(folder_ / "a");
  EXPECT_DOUBLE_EQ(FinalReturn(run.members[0], 2), 5.5);
  EXPECT_DOUBLE_EQ(FinalReturn(run.members[0], 4), 4.5);
  EXPECT_DOUBLE_EQ(FinalReturn(run.members[0], 100), (1 + 1000 + 3 + 4 + 5 + 6) / 6.0);
  EXPECT_DOUBLE_EQ(MeanReturn(run.members[0]), (1 + 1000 + 3 + 4 + 5 + 6) / 6.0);
}

TEST_F(StudyTest, ARoundWithoutAnEpisodesEndIsNoRound) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteFile(folder_ / "a/curve.csv", std::string(kCurveHeader) +
                                         "0,0,0,0,1,1000,1,0,\n0,0,0,0,2,2000,2,1,8\n"
                                         "0,0,0,0,3,3000,3,0,8\n0,0,0,0,4,4000,4,1,2\n");
  const RunData run = *ReadRun(folder_ / "a");
  ASSERT_THAT(run.members[0].curve, SizeIs(2));
  EXPECT_DOUBLE_EQ(FinalReturn(run.members[0], 20), 5);
  EXPECT_EQ(run.members[0].rounds, 4u);
}

TEST_F(StudyTest, CurvesOfEvaluationsHaveTheirReturnsAndPoolWithRunsOfTheSameTraining) {
  const std::string evaluated = std::string(kTrpo) + "evaluation { every_rounds: 2 }";
  WriteRun(folder_ / "a", evaluated, SomeReturn);
  WriteEvaluations(folder_ / "a", evaluated, 2, [](uint64_t seed, int round) {
    return 100 * round + static_cast<double>(seed);
  });
  const Study study = MakeStudy({*ReadRun(folder_ / "a", CurveKind::kEvaluation)});
  const Setting& setting = study.panels[0].settings[0];
  EXPECT_THAT(FinalReturns(setting, 2), ElementsAre(500, 501, 502));
  const std::vector<MeanPoint> curve = MeanCurve(setting);
  ASSERT_THAT(curve, SizeIs(3));
  EXPECT_DOUBLE_EQ(curve[0].env_steps, 2000);
  EXPECT_DOUBLE_EQ(curve[0].mean, 201);
  EXPECT_DOUBLE_EQ(curve[2].mean, 601);
  EXPECT_DOUBLE_EQ(curve[2].deviation, 1);
  const Study both =
      MakeStudy({*ReadRun(folder_ / "a"), Run("b", With(kTrpo, "[ 0, 1, 2 ]", "[9]"))});
  ASSERT_THAT(both.panels[0].settings, SizeIs(1));
  EXPECT_THAT(both.panels[0].settings[0].seeds, SizeIs(4));
}

TEST_F(StudyTest, ARunThatWasNotEvaluatedHasNoSuchCurve) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  EXPECT_THAT(std::string(ReadRun(folder_ / "a", CurveKind::kEvaluation).status().message()),
              HasSubstr("was not evaluated during training"));
}

TEST_F(StudyTest, TheCurveIsTheMeanAndDeviationOverSeedsOfEveryRound) {
  const Study study = MakeStudy({Run("a", kTrpo)});
  const std::vector<MeanPoint> curve = MeanCurve(study.panels[0].settings[0]);
  ASSERT_THAT(curve, SizeIs(6));
  for (int round = 1; round <= 6; ++round) {
    double sum = 0, squares = 0;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      sum += SomeReturn(seed, round);
      squares += SomeReturn(seed, round) * SomeReturn(seed, round);
    }
    const MeanPoint& point = curve[static_cast<size_t>(round) - 1];
    EXPECT_DOUBLE_EQ(point.env_steps, 1000 * round);
    EXPECT_NEAR(point.mean, sum / 3, 1e-4);  // the file holds six digits
    EXPECT_NEAR(point.deviation, std::sqrt((squares - sum * sum / 3) / 2), 1e-4);
  }
}

TEST_F(StudyTest, LongCurvesAreAveragedInStretchesOfTheStepsThatAllHaveReached) {
  const std::string longer = With(kTrpo, "rounds: 6", "rounds: 1000");
  WriteRun(folder_ / "a", longer, [](uint64_t, int round) { return round; });
  const Study study = MakeStudy({*ReadRun(folder_ / "a")});
  const std::vector<MeanPoint> curve = MeanCurve(study.panels[0].settings[0]);
  ASSERT_THAT(curve, SizeIs(kMaxCurvePoints));
  EXPECT_DOUBLE_EQ(curve[0].mean, 3);  // of rounds 1 to 5
  EXPECT_DOUBLE_EQ(curve[0].env_steps, 3000);
  EXPECT_DOUBLE_EQ(curve.back().mean, 998);
}

TEST_F(StudyTest, ReturnsUnderDisturbanceAreMeansOverSeeds) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteEvaluation(folder_ / "a", /*members=*/3, /*env_steps=*/6000);
  const Study study = MakeStudy({*ReadRun(folder_ / "a")});
  const auto rows = DisturbedReturns(study.panels[0].settings[0]);
  ASSERT_THAT(rows, SizeIs(5));
  EXPECT_EQ(rows[0].disturbance, "none");
  EXPECT_DOUBLE_EQ(rows[0].returns.mean, 99);
  EXPECT_EQ(rows[4].disturbance, "adversarial");
  EXPECT_DOUBLE_EQ(rows[4].radius, 0.2);
  EXPECT_DOUBLE_EQ(rows[4].returns.mean, 79);
  EXPECT_DOUBLE_EQ(rows[4].returns.deviation, 1);
  EXPECT_DOUBLE_EQ(rows[4].episodes, 30);
  EXPECT_THAT(study.notes, IsEmpty());
}

TEST_F(StudyTest, WhatIsUnfinishedOrWasEvaluatedTooEarlyIsNoted) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  const std::string curve = ReadFile(folder_ / "a/curve.csv");
  WriteFile(folder_ / "a/curve.csv", curve.substr(0, curve.rfind("2,2,")));
  WriteEvaluation(folder_ / "a", /*members=*/1, /*env_steps=*/3000);
  const Study study = MakeStudy({*ReadRun(folder_ / "a")});
  ASSERT_THAT(study.notes, SizeIs(2));
  EXPECT_THAT(study.notes[0],
              HasSubstr("member 0 was evaluated after 3000 of 6000 steps (policy version 3)"));
  EXPECT_THAT(study.notes[1], HasSubstr("member 2 has finished 5 of 6 rounds"));
}

TEST_F(StudyTest, WhatIsNoRunIsNamed) {
  EXPECT_THAT(ErrorOf("none"), HasSubstr("there is no run's folder"));
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteFile(folder_ / "a/curve.csv", kCurveHeader);
  EXPECT_THAT(ErrorOf("a"), HasSubstr("curve.csv has no rows: no round is finished"));
  std::filesystem::remove(folder_ / "a/curve.csv");
  EXPECT_THAT(ErrorOf("a"), HasSubstr("a/curve.csv has no rows: no round is finished yet; if the "
                                      "training was interrupted, go on with: sr2l resume "));
  std::filesystem::remove(folder_ / "a/experiment.textproto");
  EXPECT_THAT(ErrorOf("a"), HasSubstr("a is no run's folder: it has no experiment.textproto"));
}

TEST_F(StudyTest, AnotherVersionsOrDamagedFilesAreNamedWithTheirLine) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  const std::string path = folder_ / "a/curve.csv";
  const std::string header = kCurveHeader;
  WriteFile(path, "member,seed,iteration,return_mean\n0,0,1,2\n");
  EXPECT_THAT(ErrorOf("a"),
              HasSubstr("was written by another version of sr2l: it has no column round"));
  WriteFile(path, header + "0,0,0,0,1,1000,1,1,5\n0,0,0,0\n");
  EXPECT_THAT(ErrorOf("a"), HasSubstr("curve.csv:3: not a row of 9 columns"));
  WriteFile(path, header + "0,0,0,0,1,1000,1,1,five\n");
  EXPECT_THAT(ErrorOf("a"), HasSubstr("curve.csv:2: not a number: five"));
  WriteFile(path, header + "3,0,0,0,1,1000,1,1,5\n");
  EXPECT_THAT(ErrorOf("a"), HasSubstr("curve.csv:2: the experiment has no member 3 with seed 0"));
  WriteFile(path, header + "0,0,0,0,-1,1000,1,1,5\n");
  EXPECT_THAT(ErrorOf("a"), HasSubstr("must have a round and env_steps, got -1 and 1000"));
  WriteFile(path, header + "0,0,0,0,1,1000,1,0,\n");
  EXPECT_THAT(ErrorOf("a"), HasSubstr("no episode has ended yet"));
}

TEST_F(StudyTest, AnEvaluationThatIsWrittenTwiceIsRefusedAndNotCountedAsTwoSeeds) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteEvaluation(folder_ / "a", /*members=*/2, /*env_steps=*/6000);
  const std::string path = folder_ / "a/evaluation.csv";
  const std::string text = ReadFile(path);
  WriteFile(path, text + "1,1,6,6000,sampled,random,0.2,0,10,50,0.5,0.25,0.2,3,2\n");
  EXPECT_EQ(ErrorOf("a"), path +
                              ":12: member 1, disturbance random, radius 0.2 must occur once, and "
                              "is in line 9 too");
}

TEST_F(StudyTest, AnEvaluationThatDoesNotSayHowItWasMadeIsRefused) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  const std::string path = folder_ / "a/evaluation.csv";
  const std::string header = kEvaluationHeader;
  for (const char* const cells : {"6,6000,,none,0,0,10", "6,6000,mean,none,0,-1,10",
                                  "x,6000,mean,none,0,0,10", "6,6000,mean,none,0,0,0"}) {
    WriteFile(path, absl::StrCat(header, "0,0,", cells, ",50,0.5,0.25,0.01,3,2\n"));
    EXPECT_THAT(ErrorOf("a"), HasSubstr("evaluation.csv:2: must have actions (sampled or mean), "));
  }
}

TEST_F(StudyTest, ALineThatIsStillBeingWrittenIsLeftOut) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  const std::string curve = ReadFile(folder_ / "a/curve.csv");
  WriteFile(folder_ / "a/curve.csv", curve + "0,0,0,");
  EXPECT_TRUE(ReadRun(folder_ / "a").ok());
}

TEST_F(StudyTest, FiguresWithoutDataSayWhyAndWhatMakesIt) {
  const Study study = MakeStudy({Run("a", With(kTrpoSr, "[ 0, 1 ]", "[4]"))});
  const FigurePlan plan = PlanFigures(study, 20);
  ASSERT_THAT(plan.figures, SizeIs(1));
  EXPECT_EQ(plan.figures[0].name, "learning_trpo_swimmer");
  ASSERT_THAT(plan.missing, SizeIs(4));
  EXPECT_EQ(plan.missing[0].reason, "every setting has one seed only");
  EXPECT_THAT(plan.missing[1].reason, HasSubstr("no evaluation under random disturbance of "));
  EXPECT_THAT(plan.missing[2].command, HasSubstr("sr2l evaluate " + (folder_ / "a")));
  EXPECT_THAT(plan.missing[3].reason, HasSubstr("there are radius 0.02 and coefficient 3"));
  EXPECT_THAT(plan.missing[3].command, HasSubstr("members.radius="));
}

// The figure whose name starts with `start`.
Figure FigureOf(const Study& study, const std::string& start) {
  for (const Figure& figure : PlanFigures(study, 20).figures) {
    if (figure.name.rfind(start, 0) == 0) return figure;
  }
  ADD_FAILURE() << "there is no figure " << start;
  return {};
}

TEST_F(StudyTest, CaptionsSayHowMuchWasEvaluatedAndHow) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteEvaluation(folder_ / "a", /*members=*/3, /*env_steps=*/6000);
  const Study study = MakeStudy({*ReadRun(folder_ / "a")});
  EXPECT_THAT(study.notes, IsEmpty());
  EXPECT_EQ(FigureOf(study, "learning_").caption,
            "Return during training, mean and standard deviation over 3 seeds.");
  EXPECT_EQ(FigureOf(study, "disturbed_random_").caption,
            "Returns of the final policies, mean and standard deviation over 3 seeds; sampled "
            "actions, 10 episodes of each seed at each radius; offsets uniform in the ball.");
  EXPECT_EQ(MakeTables(study, 20).at(1).title, "Final policies, clean and disturbed");
}

TEST_F(StudyTest, MembersWithoutEvaluationAreNamedAndTheRestIsNotCalledMoreThanItIs) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteEvaluation(folder_ / "a",
                  {.members = 1, .env_steps = 3000, .actions = "mean", .seed = 4, .episodes = 1});
  const Study study = MakeStudy({*ReadRun(folder_ / "a")});
  EXPECT_EQ(FigureOf(study, "disturbed_adversarial_").caption,
            "Returns of the policies that were evaluated, not all of them final, of 1 seed; mean "
            "actions, 1 episode of each seed at each radius; offsets that ten ascent steps find. "
            "Not evaluated: members 1, 2 of " +
                (folder_ / "a") + ".");
  EXPECT_EQ(MakeTables(study, 20).at(1).title,
            "Policies, not all of them final, clean and disturbed");
  const FigurePlan plan = PlanFigures(study, 20);
  ASSERT_THAT(plan.missing, SizeIs(2));
  EXPECT_EQ(plan.missing[0].title, "A part of: Return under random disturbance, TRPO on swimmer");
  EXPECT_EQ(plan.missing[0].reason,
            "no evaluation under random disturbance of members 1, 2 of " + (folder_ / "a"));
  EXPECT_EQ(plan.missing[0].command, "sr2l evaluate " + (folder_ / "a") +
                                         " --radius 0.1,0.2 --actions mean --episodes 1 --seed 4");
}

TEST_F(StudyTest, TheSeedsOfEveryPointAreCounted) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteRun(folder_ / "b", kTrpoSr, SomeReturn);
  WriteEvaluation(folder_ / "a", /*members=*/3, /*env_steps=*/6000);
  WriteEvaluation(folder_ / "b", /*members=*/1, /*env_steps=*/6000);
  const Study study = MakeStudy({*ReadRun(folder_ / "a"), *ReadRun(folder_ / "b")});
  EXPECT_THAT(FigureOf(study, "disturbed_random_").caption,
              HasSubstr("mean over 1 to 3 seeds, and standard deviation where there are several;"));
  EXPECT_THAT(FigureOf(study, "disturbed_random_").caption,
              HasSubstr("Not evaluated: member 1 of " + (folder_ / "b")));
  EXPECT_THAT(FigureOf(study, "learning_").caption, HasSubstr("over 2 to 3 seeds."));
}

TEST_F(StudyTest, RunsThatWereEvaluatedInDifferentWaysAreNoted) {
  WriteRun(folder_ / "a", kTrpo, SomeReturn);
  WriteRun(folder_ / "b", kTrpoSr, SomeReturn);
  WriteEvaluation(folder_ / "a", {.members = 3, .env_steps = 6000, .episodes = 2});
  WriteEvaluation(folder_ / "b",
                  {.members = 2, .env_steps = 6000, .actions = "mean", .seed = 9, .episodes = 3});
  const Study study = MakeStudy({*ReadRun(folder_ / "a"), *ReadRun(folder_ / "b")});
  const std::string end = ", probe radius 0.01";
  EXPECT_THAT(
      study.notes,
      ElementsAre("TRPO on swimmer: evaluated in different ways: " + (folder_ / "a") +
                  " with sampled actions, 2 episodes, evaluation seed 0, radii 0.1, 0.2" + end +
                  "; " + (folder_ / "b") +
                  " with mean actions, 3 episodes, evaluation seed 9, radii 0.1, 0.2" + end));
  EXPECT_THAT(FigureOf(study, "disturbed_random_").caption,
              HasSubstr("; mean or sampled actions, 2 to 3 episodes of each seed"));
}

TEST_F(StudyTest, OneRoundIsNotCalledRounds) {
  EXPECT_THAT(MakeTables(MakeStudy({Run("a", kTrpo)}), 1).at(0).title,
              "Final returns: means of the last round in which episodes ended");
}

TEST_F(StudyTest, SeedsThatShareNoStepsHaveNoCurve) {
  WriteRun(folder_ / "a", kTrpoSr, SomeReturn);
  WriteFile(folder_ / "a/curve.csv", std::string(kCurveHeader) +
                                         "0,0,0,0,1,1000,1,1,5\n1,1,0,0,1,1000,1,0,\n"
                                         "1,1,0,0,2,2000,1,1,5\n");
  const FigurePlan plan = PlanFigures(MakeStudy({*ReadRun(folder_ / "a")}), 20);
  ASSERT_THAT(plan.figures, SizeIs(1));
  EXPECT_EQ(plan.figures[0].name, "percentiles_trpo_swimmer");
  EXPECT_EQ(plan.missing[0].reason, "there are no steps at which all seeds have a return");
}

TEST_F(StudyTest, AGridIsAHeatMapAndTooManyLinesAreNone) {
  const std::string grid =
      With(kTrpoSr, "seeds: [ 0, 1 ]", "radius: [0.1, 0.2, 0.3] coefficient: [1, 2, 3]");
  WriteRun(folder_ / "a", grid, [](uint64_t, int) { return 7; });
  const FigurePlan plan = PlanFigures(MakeStudy({*ReadRun(folder_ / "a")}), 20);
  ASSERT_THAT(plan.figures, SizeIs(1));
  EXPECT_EQ(plan.figures[0].name, "grid_trpo_sr_swimmer");
  EXPECT_THAT(plan.figures[0].script, HasSubstr("set xtics ('0.1' 0, '0.2' 1, '0.3' 2)"));
  ASSERT_THAT(plan.missing, SizeIs(1));
  EXPECT_THAT(plan.missing[0].reason, HasSubstr("there are 9 settings"));
}

TEST_F(StudyTest, TablesHoldTheNumbersWithAllTheirDigits) {
  const Study study = MakeStudy({Run("a", kTrpo)});
  const std::vector<Table> tables = MakeTables(study, 2);
  ASSERT_THAT(tables, SizeIs(3));  // nothing was evaluated
  const std::string csv = FormatCsv(tables[0]);
  EXPECT_THAT(csv, HasSubstr("task,setting,radius,coefficient,seeds,rounds_averaged,final_mean,"));
  EXPECT_THAT(csv, HasSubstr(absl::StrCat("\nswimmer,TRPO,,,3,2,")));
  EXPECT_THAT(FormatMarkdown(tables[0]), HasSubstr("| swimmer | TRPO | - | - | 3 | 2 | "));
}

TEST(FormatCsvTest, CellsThatWouldEndEarlyAreQuoted) {
  const Table table{.name = "t", .title = "", .columns = {"a", "b"}, .rows = {{"x,\"y\"", 0.1}}};
  EXPECT_EQ(FormatCsv(table), "a,b\n\"x,\"\"y\"\"\",0.1\n");
}

}  // namespace
}  // namespace sr2l
