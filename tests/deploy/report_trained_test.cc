// Reports of runs that the programs trained, and deploy/figure from training to plot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/deploy/report_files.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

void ExpectRuns(const std::vector<std::string>& arguments) {
  const ProgramResult result = RunProgram(arguments, absl::Minutes(5));
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
}

// Three seeds in `run`, evaluated.
void Train(const std::string& smoothness, const std::string& run) {
  const std::string experiment = run + ".textproto";
  WriteFile(experiment,
            absl::StrCat("task { builtin: 'inverted_pendulum' } trpo { max_kl: 0.05 } ", smoothness,
                         " rounds: 5 steps_per_round: 500 ", "members { seeds: [0..2] }"));
  ExpectRuns({Binary("sr2l"), "train", experiment, "--run", run, "--actors", "1"});
  ExpectRuns({Binary("sr2l"), "evaluate", run, "--episodes", "2", "--radius", "0.05,0.2"});
}

TEST(ReportTrainedTest, ThreeSeedsOfTwoAlgorithmsMakeEveryFigureButTheHeatMap) {
  const TemporaryFolder folder;
  Train("", folder / "trpo");
  Train("smoothness {}", folder / "trpo_sr");
  const std::string out = folder / "report";
  ExpectRuns({Binary("sr2l"), "report", folder / "trpo", folder / "trpo_sr", "--out", out});
  for (const char* const kind :
       {"learning", "percentiles", "disturbed_random", "disturbed_adversarial"}) {
    const std::string stem = absl::StrCat(out, "/figures/", kind, "_trpo_inverted_pendulum");
    const std::string svg = ReadFile(stem + ".svg");
    EXPECT_EQ(XmlError(svg), "");
    EXPECT_THAT(svg, HasSubstr(">TRPO<"));
    EXPECT_THAT(svg, HasSubstr(">TRPO-SR<"));
    EXPECT_EQ(DecodePng(ReadFile(stem + ".png")).width, 1280u);
  }
  const std::string page = ReadFile(out + "/index.html");
  EXPECT_THAT(page, HasSubstr("LibTorch"));
  EXPECT_THAT(page, HasSubstr("a heat map needs two radii"));
  EXPECT_THAT(page, Not(HasSubstr("To be kept in mind")));
  EXPECT_TRUE(fs::exists(out + "/tables/evaluation.csv"));
}

std::vector<std::string> FigureSeven(const std::string& out) {
  return {SourceFile("deploy/figure"),
          "7",
          "--seeds",
          "2",
          "--steps",
          "20000",
          "--episodes",
          "1",
          "--actors",
          "1",
          "--out",
          out};
}

class FigureTest : public ::testing::Test {
 protected:
  FigureTest() {
    setenv("SR2L_BUILD", fs::path(Binary("")).parent_path().parent_path().c_str(), 1);
  }

  // The one run's folder whose name starts with `stem`; empty when there is none yet.
  std::string Run(const std::string& stem) const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_ / "runs", error)) {
      if (entry.path().filename().string().rfind(stem, 0) == 0) return entry.path();
    }
    return "";
  }

  const TemporaryFolder folder_;
};

TEST_F(FigureTest, GoesOnWhereItWasInterruptedAndRepeatsNothing) {
  {
    RunningProgram figure(FigureSeven(folder_.path()));
    ASSERT_TRUE(Eventually([&] {
      return ReadFile(Run("trpo_swimmer-") + "/curve.csv").find("\n1,1,") != std::string::npos;
    }));
    // As the terminal's Ctrl-C does: to the script and what it runs.
    kill(-figure.pid(), SIGINT);
    EXPECT_NE(figure.Wait(absl::Minutes(1)).exit_code, 0);
    EXPECT_THAT(figure.errors(), HasSubstr("go on with: sr2l resume"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "figure7"));
  const ProgramResult second = RunProgram(FigureSeven(folder_.path()), absl::Minutes(5));
  EXPECT_EQ(second.exit_code, 0) << second.output << second.errors;
  EXPECT_THAT(second.output, HasSubstr("going on: " + Run("trpo_swimmer-")));
  EXPECT_TRUE(fs::exists(folder_ / "figure7/figures/disturbed_adversarial_trpo_swimmer.svg"));
  EXPECT_THAT(ReadFile(folder_ / "figure7/tables/seeds.csv"), HasSubstr(",20,20000,"));

  const ProgramResult third = RunProgram(FigureSeven(folder_.path()), absl::Minutes(1));
  EXPECT_EQ(third.exit_code, 0) << third.errors;
  EXPECT_THAT(third.output, HasSubstr("finished: " + Run("trpo_swimmer-")));
  EXPECT_THAT(third.output, HasSubstr("finished: " + Run("trpo_sr_swimmer-")));
  EXPECT_THAT(third.output, Not(HasSubstr("evaluating")));
}

TEST_F(FigureTest, WrongUsageIsOneLineAndStatusTwo) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {}, {"2"}, {"7", "--seeds", "0"}, {"7", "--steps"}, {"7", "--colour", "red"}}) {
    std::vector<std::string> command = {SourceFile("deploy/figure")};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProgramResult result = RunProgram(command);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.errors, HasSubstr("deploy/figure: "));
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
  }
}

// What the files of the figures name must be there and be valid.
TEST_F(FigureTest, EveryFiguresExperimentsAreValid) {
  for (const char number : std::string("3456789")) {
    const std::string path = SourceFile(std::string("deploy/experiments/figures/figure") + number);
    const std::string text = ReadFile(path);
    int experiments = 0;
    for (size_t at = text.find("\ntrain "); at != std::string::npos;
         at = text.find("\ntrain ", at + 1)) {
      const std::string line = text.substr(at + 7, text.find('\n', at + 1) - at - 7);
      std::vector<std::string> command = {Binary("sr2l"), "validate"};
      size_t word = line.find(' ');
      command.push_back(fs::path(path).parent_path() / line.substr(0, word));
      while (word != std::string::npos) {
        const size_t next = line.find(' ', word + 1);
        command.insert(command.end(), {"--set", line.substr(word + 1, next - word - 1)});
        word = next;
      }
      ExpectRuns(command);
      ++experiments;
    }
    EXPECT_GE(experiments, 1) << path;
  }
}

}  // namespace
}  // namespace sr2l
