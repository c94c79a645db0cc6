// Whole experiments against published bands of returns, run by `sr2l train`. Each figure
// is the mean over three seeds of the last 20 rounds; single rounds and maxima say little.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sr2l {
namespace {

constexpr int kLastRounds = 20;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Runs `sr2l train` in a fresh folder and returns the folder.
std::string Train(const std::string& experiment_file, const std::string& overrides) {
  std::string folder = ::testing::TempDir() + "/learning-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  const std::string run = folder + "/run";
  const std::string command = absl::StrCat(Environment("SR2L_BIN"), "/sr2l train ",
                                           Environment("SR2L_SOURCE"), "/", experiment_file,
                                           " --run ", run, " ", overrides);
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  return run;
}

// Mean over members of the mean return of rounds (from, to].
double MeanReturn(const std::string& run, int from, int to) {
  std::ifstream curve(run + "/curve.csv");
  std::string line;
  std::getline(curve, line);
  std::map<std::string, size_t> column;
  for (const auto& name : std::vector<std::string>(absl::StrSplit(line, ','))) {
    column.emplace(name, column.size());
  }
  double sum = 0;
  int count = 0;
  while (std::getline(curve, line)) {
    const std::vector<std::string> cells = absl::StrSplit(line, ',');
    int round = 0;
    double value = 0;
    if (!absl::SimpleAtoi(cells.at(column.at("round")), &round)) ADD_FAILURE() << line;
    if (round <= from || round > to) continue;
    if (!absl::SimpleAtod(cells.at(column.at("return_mean")), &value)) ADD_FAILURE() << line;
    sum += value;
    ++count;
  }
  EXPECT_GT(count, 0) << run;
  return sum / count;
}

struct Case {
  const char* name;
  const char* file;
  const char* overrides;
  int rounds;
  double least;             // lower end of the published band
  double above_untrained;   // and this far above the first rounds
};

class LearningTest : public ::testing::TestWithParam<Case> {};

TEST_P(LearningTest, ReachesThePublishedBand) {
  const Case& c = GetParam();
  const std::string run = Train(c.file, c.overrides);
  const double untrained = MeanReturn(run, 0, 2);
  const double trained = MeanReturn(run, c.rounds - kLastRounds, c.rounds);
  RecordProperty("untrained", absl::StrCat(untrained));
  RecordProperty("trained", absl::StrCat(trained));
  EXPECT_GE(trained, c.least);
  EXPECT_GE(trained, untrained + c.above_untrained);
  std::filesystem::remove_all(std::filesystem::path(run).parent_path());
}

constexpr char kThreeSeeds[] = "--set 'members.seeds=[0..2]'";

INSTANTIATE_TEST_SUITE_P(
    PaperSetting, LearningTest,
    ::testing::Values(
        Case{"TrpoInvertedPendulum", "deploy/experiments/inverted_pendulum.textproto",
             kThreeSeeds, 100, 800, 700},
        Case{"TrpoSwimmer", "deploy/experiments/paper/trpo_swimmer.textproto", kThreeSeeds, 500,
             30, 20},
        Case{"TrpoSrSwimmer", "deploy/experiments/paper/trpo_sr_swimmer.textproto", kThreeSeeds,
             500, 30, 20},
        Case{"TrpoHalfCheetah", "deploy/experiments/paper/trpo_half_cheetah.textproto",
             kThreeSeeds, 500, 200, 400},
        Case{"TrpoSrHalfCheetah", "deploy/experiments/paper/trpo_sr_half_cheetah.textproto",
             kThreeSeeds, 500, 200, 400},
        Case{"DdpgHalfCheetah", "deploy/experiments/paper/ddpg_half_cheetah.textproto",
             kThreeSeeds, 500, 1500, 1500},
        Case{"DdpgSrAHalfCheetah", "deploy/experiments/paper/ddpg_sr_a_half_cheetah.textproto",
             kThreeSeeds, 500, 1500, 1500},
        Case{"DdpgSrCHalfCheetah", "deploy/experiments/paper/ddpg_sr_c_half_cheetah.textproto",
             kThreeSeeds, 500, 1500, 1500},
        Case{"DdpgHopper", "deploy/experiments/paper/ddpg_hopper.textproto", kThreeSeeds, 500,
             250, 200},
        Case{"DdpgSrAHopper", "deploy/experiments/paper/ddpg_sr_a_hopper.textproto", kThreeSeeds,
             500, 250, 200},
        Case{"DdpgSrCHopper", "deploy/experiments/paper/ddpg_sr_c_hopper.textproto", kThreeSeeds,
             500, 250, 200}),
    [](const ::testing::TestParamInfo<Case>& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
