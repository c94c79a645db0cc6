// The experiment files that are shipped.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "tests/deploy/run_program.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAreArray;

const char* const kTasks[] = {"swimmer", "half_cheetah", "walker2d", "hopper", "ant"};

v1::ExperimentConfig Resolve(const std::string& path) {
  const auto config = LoadExperiment(path, {});
  EXPECT_TRUE(config.ok()) << config.status();
  const auto resolved = ResolveExperiment(config.value_or(v1::ExperimentConfig()));
  EXPECT_TRUE(resolved.ok()) << path << ": " << resolved.status();
  return resolved.value_or(v1::ExperimentConfig());
}

TEST(ExperimentFilesTest, EveryShippedFileIsValid) {
  int count = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(SourceFile("deploy/experiments"))) {
    if (entry.path().extension() != ".textproto") continue;
    EXPECT_EQ(Resolve(entry.path()).name(), entry.path().stem()) << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 13);
}

// Of the paper: 500 iterations of 1000 steps, ten seeds, 64x64.
void ExpectThePapersSetting(const v1::ExperimentConfig& config, const std::string& task) {
  EXPECT_EQ(config.task().name(), task);
  EXPECT_EQ(config.rounds(), 500);
  EXPECT_EQ(config.steps_per_round(), 1000);
  EXPECT_EQ(config.streams_per_member(), 1);
  EXPECT_EQ(config.trpo().sigma(), v1::TrpoConfig::PER_DIMENSION);
  EXPECT_THAT(config.trpo().hidden(), ElementsAreArray({64, 64}));
  EXPECT_DOUBLE_EQ(config.trpo().discount(), 0.99);
  EXPECT_DOUBLE_EQ(config.trpo().max_kl(), 0.01);
  std::multiset<uint64_t> seeds;
  for (const v1::MemberConfig& member : config.members().member()) seeds.insert(member.seed());
  EXPECT_THAT(seeds, ElementsAreArray({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(ExperimentFilesTest, ThePapersTrpoHasNoRegularizer) {
  for (const char* task : kTasks) {
    const v1::ExperimentConfig config = Resolve(SourceFile(
        std::string("deploy/experiments/paper/trpo_") + task + ".textproto"));
    ExpectThePapersSetting(config, task);
    EXPECT_FALSE(config.has_smoothness());
  }
}

TEST(ExperimentFilesTest, ThePapersTrpoSrPerturbsThePolicysInput) {
  for (const char* task : kTasks) {
    const v1::ExperimentConfig config = Resolve(SourceFile(
        std::string("deploy/experiments/paper/trpo_sr_") + task + ".textproto"));
    ExpectThePapersSetting(config, task);
    EXPECT_EQ(config.smoothness().on(), v1::SmoothnessConfig::POLICY);
    EXPECT_EQ(config.smoothness().steps(), 10);
    EXPECT_DOUBLE_EQ(config.smoothness().step_size(), 0.2);
    EXPECT_EQ(config.smoothness().norm(), v1::SmoothnessConfig::LINF);
  }
}

}  // namespace
}  // namespace sr2l
