// Reports of runs that the programs trained, and deploy/figure from training to plot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/deploy/browser.h"
#include "tests/deploy/report_files.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

namespace fs = std::filesystem;

void ExpectRuns(const std::vector<std::string>& arguments) {
  const ProgramResult result = RunProgram(arguments, absl::Minutes(5));
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
}

bool IsNumber(const std::string& text) {
  double number = 0;
  return absl::SimpleAtod(text, &number);
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

constexpr const char* kFigures[] = {"learning", "percentiles", "disturbed_random",
                                    "disturbed_adversarial"};

std::string NameOf(const char* kind) { return absl::StrCat(kind, "_trpo_inverted_pendulum"); }

// A report of three seeds of two algorithms, trained once for all tests.
class ReportTrainedTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder();
    Train("", *folder_ / "trpo");
    Train("smoothness {}", *folder_ / "trpo_sr");
    ExpectRuns({Binary("sr2l"), "report", *folder_ / "trpo", *folder_ / "trpo_sr", "--out",
                *folder_ / "report"});
  }

  static void TearDownTestSuite() { delete folder_; }

  static const TemporaryFolder* folder_;
  const std::string out_ = *folder_ / "report";
};

const TemporaryFolder* ReportTrainedTest::folder_ = nullptr;

TEST_F(ReportTrainedTest, ThreeSeedsOfTwoAlgorithmsMakeEveryFigureButTheHeatMap) {
  for (const char* const kind : kFigures) {
    const std::string stem = out_ + "/figures/" + NameOf(kind);
    const std::string svg = ReadFile(stem + ".svg");
    EXPECT_EQ(XmlError(svg), "");
    EXPECT_THAT(svg, HasSubstr(">TRPO<"));
    EXPECT_THAT(svg, HasSubstr(">TRPO-SR<"));
    EXPECT_EQ(DecodePng(ReadFile(stem + ".png")).width, 1280u);
  }
  const std::string page = ReadFile(out_ + "/index.html");
  EXPECT_THAT(page, HasSubstr("LibTorch"));
  EXPECT_THAT(page, HasSubstr("a heat map needs two radii"));
  EXPECT_THAT(page, HasSubstr("Returns of the final policies, mean and standard deviation over 3 "
                              "seeds; sampled actions, 2 episodes of each seed at each radius"));
  EXPECT_THAT(page, Not(HasSubstr("To be kept in mind")));
  EXPECT_TRUE(fs::exists(out_ + "/tables/evaluation.csv"));
}

TEST_F(ReportTrainedTest, ABrowserShowsAxesLegendsAndLinesOfEveryFigure) {
  if (!HasChromium()) {
    GTEST_SKIP() << "there is no " << kChromium << ": install the package chromium";
  }
  const std::map<std::string, std::vector<std::string>> axes = {
      {"learning", {"Environment steps", "Return of an episode"}},
      {"percentiles", {"Percentile of seeds", "Final return"}},
      {"disturbed_random", {"Disturbance strength (radius, maximum norm)", "Return of an episode"}},
      {"disturbed_adversarial",
       {"Disturbance strength (radius, maximum norm)", "Return of an episode"}}};
  const SeenPage seen(out_ + "/index.html", ColorScheme::kLight);
  EXPECT_THAT(seen.wrong(), IsEmpty());
  for (const char* const kind : kFigures) {
    const std::set<std::string> texts = seen.Texts(NameOf(kind));
    EXPECT_THAT(texts, IsSupersetOf(axes.at(kind))) << kind;
    EXPECT_THAT(texts, IsSupersetOf({"TRPO", "TRPO-SR"})) << kind;
    // The numbers at the marks of two axes.
    EXPECT_GE(std::count_if(texts.begin(), texts.end(), IsNumber), 5) << kind;
    EXPECT_THAT(seen.Lines(NameOf(kind)), IsSupersetOf({"rgb(0, 114, 178)", "rgb(213, 94, 0)"}))
        << kind;
  }
  ExpectShown(out_ + "/index.html", *folder_ / "page.png", ColorScheme::kLight);
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

  static std::vector<std::string> Command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SourceFile("deploy/figure"));
    return arguments;
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

  // Someone looked at one member of a run by hand: that is not the figure's evaluation.
  const std::string run = Run("trpo_swimmer-");
  const std::string evaluation = ReadFile(run + "/evaluation.csv");
  ExpectRuns(
      {Binary("sr2l"), "evaluate", run, "--radius", "0.5", "--member", "0", "--episodes", "1"});
  ASSERT_NE(ReadFile(run + "/evaluation.csv"), evaluation);
  const ProgramResult fourth = RunProgram(FigureSeven(folder_.path()), absl::Minutes(2));
  EXPECT_EQ(fourth.exit_code, 0) << fourth.errors;
  EXPECT_THAT(fourth.output, HasSubstr("evaluating: " + run));
  EXPECT_THAT(fourth.output, Not(HasSubstr("evaluating: " + Run("trpo_sr_swimmer-"))));
  EXPECT_EQ(ReadFile(run + "/evaluation.csv"), evaluation);
}

TEST_F(FigureTest, WrongUsageIsOneLineAndStatusTwo) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"2"},
                                             {"7", "8"},
                                             {"7", "--seeds", "0"},
                                             {"7", "--steps"},
                                             {"7", "--colour", "red"}}) {
    const ProgramResult result = RunProgram(Command(arguments));
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.errors, HasSubstr("deploy/figure: "));
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
  }
}

TEST_F(FigureTest, FewerStepsThanDdpgNeedsAreRefusedBeforeAnythingIsTrained) {
  const ProgramResult result =
      RunProgram(Command({"8", "--steps", "3000", "--out", folder_.path() + "/out"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(
      result.errors,
      "deploy/figure: --steps must be at least 10000 for figure 8, where DDPG's updates begin "
      "only then, got 3000\n");
  EXPECT_FALSE(fs::exists(folder_ / "out"));
  EXPECT_THAT(RunProgram(Command({"--help"})).output,
              HasSubstr("10000 at least for figures 4, 6 and 8"));
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
