// sr2l report as a user meets it, on runs whose numbers are known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "deploy/report/page.h"
#include "tests/deploy/report_files.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/written_run.h"

namespace sr2l {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

namespace fs = std::filesystem;

std::string Experiment(const std::string& algorithm, const std::string& members) {
  return absl::StrCat("task { builtin: 'swimmer' } rounds: 30 ", algorithm, " members { ", members,
                      " }");
}

ProgramResult Report(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {Binary("sr2l"), "report"});
  return RunProgram(arguments);
}

class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    const auto rising = [](uint64_t seed, int round) {
      return static_cast<double>(round) + 5 * static_cast<double>(seed);
    };
    WriteRun(plain_, Experiment("trpo {}", "seeds: [0, 1, 2]"), rising);
    WriteRun(smooth_, Experiment("trpo {} smoothness {}", "seeds: [0, 1, 2]"), rising);
  }

  void ExpectFailure(const std::vector<std::string>& arguments, const std::string& message) {
    const ProgramResult result = Report(arguments);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.errors, AllOf(StartsWith("sr2l: "), HasSubstr(message)));
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
  }

  void ExpectFigure(const std::string& name, const std::vector<std::string>& words) {
    const std::string svg = ReadFile(out_ + "/figures/" + name + ".svg");
    EXPECT_EQ(XmlError(svg), "") << name;
    for (const std::string& word : words) EXPECT_THAT(svg, HasSubstr(word)) << name;
    const Png png = DecodePng(ReadFile(out_ + "/figures/" + name + ".png"));
    EXPECT_EQ(png.width, 1280u);
    EXPECT_EQ(png.height, 880u);
    EXPECT_GT(png.levels, 50);
    EXPECT_TRUE(fs::exists(out_ + "/figures/" + name + ".gnuplot"));
    EXPECT_FALSE(fs::exists(out_ + "/figures/" + name + ".log"));
  }

  const TemporaryFolder folder_;
  const std::string plain_ = folder_ / "plain";
  const std::string smooth_ = folder_ / "smooth";
  const std::string out_ = folder_ / "report";
};

TEST_F(ReportTest, DrawsEveryFigureThatThereIsDataFor) {
  WriteEvaluation(plain_, 3, 30000);
  WriteEvaluation(smooth_, 3, 30000);
  const std::string grid = folder_ / "grid";
  WriteRun(grid, Experiment("trpo {} smoothness {}", "radius: [0.1, 0.2] coefficient: [1, 2]"),
           [](uint64_t, int round) { return round; });
  const ProgramResult result = Report({plain_, smooth_, grid, "--out", out_});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("5 figures: "));
  const std::vector<std::string> names = {"TRPO", "TRPO-SR, ε 0.01, λ 1", "TRPO-SR, ε 0.1, λ 2"};
  ExpectFigure("learning_trpo_swimmer", {"TRPO on swimmer", "Environment steps",
                                         "Return of an episode", names[0], names[1], names[2]});
  ExpectFigure("percentiles_trpo_swimmer",
               {"Percentile of seeds", "Final return", names[0], names[1]});
  for (const char* const kind : {"random", "adversarial"}) {
    ExpectFigure(absl::StrCat("disturbed_", kind, "_trpo_swimmer"),
                 {"Disturbance strength", kind, "Return of an episode", names[0], names[1]});
  }
  ExpectFigure("grid_trpo_sr_swimmer", {"Radius of the disturbance in training",
                                        "Coefficient of the regularizer", "Final return"});
}

TEST_F(ReportTest, ThePageHoldsEverythingAndLoadsNothing) {
  WriteEvaluation(smooth_, 3, 30000);
  ASSERT_EQ(Report({plain_, smooth_, "--out", out_}).exit_code, 0);
  const std::string page = ReadFile(out_ + "/index.html");
  for (const char* const word :
       {"<svg", "Learning curves, TRPO on swimmer", "Final returns", "ci95 low",
        "no evaluation under random disturbance of", "prefers-color-scheme: dark",
        "Configuration of", "max_kl: 0.01", "no policy was written yet", "mean of the last 20"}) {
    EXPECT_THAT(page, HasSubstr(word));
  }
  EXPECT_THAT(page, HasSubstr("sr2l evaluate " + plain_));
  for (const char* const loader :
       {"<script", "<img", "<iframe", " src=", "@import", "http-equiv"}) {
    EXPECT_THAT(page, Not(HasSubstr(loader)));
  }
  // Names of XML's vocabularies are the only addresses.
  for (size_t at = page.find("http"); at != std::string::npos; at = page.find("http", at + 1)) {
    EXPECT_EQ(page.compare(at, 18, "http://www.w3.org/"), 0) << page.substr(at, 60);
  }
}

TEST_F(ReportTest, TheFinalTableHasTheMeansOfTheLastRounds) {
  ASSERT_EQ(Report({plain_, "--out", out_, "--last", "10"}).exit_code, 0);
  // Rounds 21 to 30 of seeds 0, 1, 2: 25.5, 30.5 and 35.5; all rounds: 15.5 and so on.
  EXPECT_THAT(ReadFile(out_ + "/tables/final.csv"),
              HasSubstr("\nswimmer,TRPO,,,3,10,30.5,5,25.5,35.5,25.5,30.5,35.5,20.5\n"));
  EXPECT_THAT(ReadFile(out_ + "/tables/seeds.csv"),
              HasSubstr("swimmer,TRPO,,,1," + plain_ + ",30,30000,30.5,20.5\n"));
  EXPECT_THAT(ReadFile(out_ + "/tables/final.md"), HasSubstr("| 30.5 | 5 | 25.5 | 35.5 |"));
  EXPECT_THAT(ReadFile(out_ + "/tables/curves.csv"), HasSubstr("swimmer,TRPO,,,3,1000,6,5\n"));
}

TEST_F(ReportTest, CurvesAndFinalsMayBeOfEvaluationsDuringTraining) {
  ExpectFailure({plain_, "--out", out_, "--curve", "evaluation"}, "was not evaluated");
  WriteEvaluations(plain_, Experiment("trpo {}", "seeds: [0, 1, 2]"), 10,
                   [](uint64_t seed, int) { return 100 + 5 * static_cast<double>(seed); });
  const ProgramResult result = Report({plain_, "--out", out_, "--curve", "evaluation"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(ReadFile(out_ + "/tables/final.csv"),
              HasSubstr("\nswimmer,TRPO,,,3,3,105,5,100,110,100,105,110,105\n"));
  const std::string page = ReadFile(out_ + "/index.html");
  EXPECT_THAT(page, HasSubstr("Return of evaluations during training"));
  EXPECT_THAT(page, HasSubstr("mean of the last 20 evaluations during training"));
}

TEST_F(ReportTest, TheSameRunsGiveTheSameFiles) {
  ASSERT_EQ(Report({plain_, smooth_, "--out", out_}).exit_code, 0);
  const std::string page = ReadFile(out_ + "/index.html");
  ASSERT_EQ(Report({plain_, smooth_, "--out", out_, "--replace"}).exit_code, 0);
  EXPECT_EQ(ReadFile(out_ + "/index.html"), page);
  EXPECT_FALSE(fs::exists(out_ + ".partial"));
}

TEST_F(ReportTest, AFolderThatIsNotEmptyIsKept) {
  ASSERT_EQ(Report({plain_, "--out", out_}).exit_code, 0);
  ExpectFailure({plain_, "--out", out_}, "holds a report: name another one with --out");
  ExpectFailure({plain_, "--out", smooth_}, "is not empty: name another one with --out");
  ExpectFailure({plain_, "--out", smooth_, "--replace"}, "is not empty");
  ExpectFailure({plain_, "--out", smooth_ + "/curve.csv"}, "exists and is no folder");
  EXPECT_TRUE(fs::exists(smooth_ + "/curve.csv"));
}

// A user's own file in a report's folder, wherever it lies, is worth more than a new report.
TEST_F(ReportTest, AReportWithSomethingElseInItIsNotReplaced) {
  ASSERT_EQ(Report({plain_, "--out", out_}).exit_code, 0);
  const std::string page = ReadFile(out_ + "/index.html");
  for (const char* const name :
       {"/notes.txt", "/figures/mine.png", "/figures/learning_trpo_swimmer.pdf", "/tables/own.csv",
        "/tables/figures/final.csv"}) {
    fs::create_directories(fs::path(out_ + name).parent_path());
    WriteFile(out_ + name, "mine");
    ExpectFailure({plain_, "--out", out_, "--replace"}, "was written by no report");
    EXPECT_EQ(ReadFile(out_ + name), "mine");
    EXPECT_EQ(ReadFile(out_ + "/index.html"), page);
    fs::remove(out_ + name);
  }
  fs::remove(out_ + "/tables/figures");
  EXPECT_EQ(Report({plain_, "--out", out_, "--replace"}).exit_code, 0);
  WriteFile(out_ + "/notes.txt", "mine");
  ExpectFailure({plain_, "--out", out_, "--replace"},
                "but " + out_ + "/notes.txt was written by no report: move it elsewhere first");
}

TEST_F(ReportTest, OnlyWhatAnInterruptedReportLeftMakesWayForTheNewOne) {
  const std::string partial = out_ + ".partial";
  fs::create_directories(partial + "/figures");
  WriteFile(partial + "/figures/learning_trpo_swimmer.log", "interrupted");
  WriteFile(partial + "/index.html.tmp", "interrupted");
  WriteFile(partial + "/notes.txt", "mine");
  ExpectFailure({plain_, "--out", out_}, partial + "/notes.txt was written by no report");
  EXPECT_EQ(ReadFile(partial + "/notes.txt"), "mine");
  fs::remove(partial + "/notes.txt");
  EXPECT_EQ(Report({plain_, "--out", out_}).exit_code, 0);
  EXPECT_FALSE(fs::exists(partial));
}

TEST_F(ReportTest, WhatIsNoRunIsOneLine) {
  ExpectFailure({plain_, folder_ / "none", "--out", out_}, "there is no run's folder");
  fs::remove(smooth_ + "/curve.csv");
  ExpectFailure({plain_, smooth_, "--out", out_}, "no round is finished");
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(ReportTest, WrongUsageIsOneLine) {
  EXPECT_EQ(Report({plain_}).exit_code, 2);
  EXPECT_EQ(Report({"--out", out_}).exit_code, 2);
  const ProgramResult result = Report({plain_, "--out", out_, "--last", "0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--last"));
}

TEST_F(ReportTest, AKindOfCurveThatThereIsNotIsNamedWithWhatIsAllowed) {
  for (const std::string kind : {"foo", "1", "0", "Training"}) {
    const ProgramResult result = Report({plain_, "--out", out_, "--curve=" + kind});
    EXPECT_EQ(result.exit_code, 2) << kind;
    EXPECT_EQ(result.errors, "sr2l report: --curve: must be training or evaluation, got " + kind +
                                 " (see sr2l report --help)\n");
  }
  EXPECT_EQ(Report({plain_, "--out", out_, "--curve", "training"}).exit_code, 0);
}

TEST_F(ReportTest, WithoutGnuplotThePackageIsNamed) {
  const ProgramResult result = RunProgram(
      {"/usr/bin/env", "PATH=" + folder_.path(), Binary("sr2l"), "report", plain_, "--out", out_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("install the package gnuplot-nox"));
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(ReportTest, NamesAreTextAndNeitherHtmlNorCommands) {
  const std::string odd = folder_ / "it's <b>$HOME & `id`";
  fs::rename(plain_, odd);
  const std::string out = folder_ / "a 'quoted' report";
  const ProgramResult result = Report({odd, "--out", out});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(ReadFile(out + "/index.html"), HasSubstr("it's &lt;b&gt;$HOME &amp; `id`"));
  EXPECT_TRUE(fs::exists(out + "/figures/learning_trpo_swimmer.png"));
}

TEST(InlineSvgTest, TwoFiguresOfAPageShareNoIds) {
  EXPECT_EQ(InlineSvg("f", "<?xml?>\n<svg><g id=\"a\"/><use href='#a' clip=\"url(#a)\"/></svg>"),
            "<svg><g id=\"f_a\"/><use href='#f_a' clip=\"url(#f_a)\"/></svg>");
}

}  // namespace
}  // namespace sr2l
