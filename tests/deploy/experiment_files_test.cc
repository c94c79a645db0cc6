// The experiment files that are shipped.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "deploy/cli/replay_memory.h"
#include "replay/core/memory_log.h"
#include "replay/core/replay_store.h"
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
  EXPECT_EQ(count, 29);
}

// Of the paper: 500 iterations of 1000 steps, ten seeds, 64x64.
void ExpectThePapersSetting(const v1::ExperimentConfig& config, const std::string& task) {
  EXPECT_EQ(config.task().name(), task);
  EXPECT_EQ(config.rounds(), 500);
  EXPECT_EQ(config.steps_per_round(), 1000);
  EXPECT_EQ(config.streams_per_member(), 1);
  EXPECT_EQ(config.collection(), v1::SYNCHRONOUS);
  std::multiset<uint64_t> seeds;
  for (const v1::MemberConfig& member : config.members().member()) seeds.insert(member.seed());
  EXPECT_THAT(seeds, ElementsAreArray({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

void ExpectThePapersTrpo(const v1::ExperimentConfig& config, const std::string& task) {
  ExpectThePapersSetting(config, task);
  EXPECT_EQ(config.trpo().sigma(), v1::TrpoConfig::PER_DIMENSION);
  EXPECT_THAT(config.trpo().hidden(), ElementsAreArray({64, 64}));
  EXPECT_DOUBLE_EQ(config.trpo().discount(), 0.99);
  EXPECT_DOUBLE_EQ(config.trpo().max_kl(), 0.01);
}

void ExpectThePapersDdpg(const v1::ExperimentConfig& config, const std::string& task) {
  ExpectThePapersSetting(config, task);
  EXPECT_THAT(config.ddpg().hidden(), ElementsAreArray({64, 64}));
  EXPECT_THAT(config.ddpg().critic_hidden(), ElementsAreArray({64, 64}));
  EXPECT_EQ(config.ddpg().activation(), v1::RELU);
  EXPECT_DOUBLE_EQ(config.ddpg().discount(), 0.99);
  EXPECT_DOUBLE_EQ(config.ddpg().actor_learning_rate(), 1e-4);
  EXPECT_DOUBLE_EQ(config.ddpg().critic_learning_rate(), 1e-3);
  EXPECT_DOUBLE_EQ(config.ddpg().target_update_rate(), 0.01);
  EXPECT_EQ(config.ddpg().batch_size(), 64);
  EXPECT_EQ(config.ddpg().capacity(), 1000000);
  EXPECT_DOUBLE_EQ(config.ddpg().exploration().ornstein_uhlenbeck().sigma(), 0.2);
}

void ExpectThePapersAscent(const v1::SmoothnessConfig& smoothness) {
  EXPECT_EQ(smoothness.steps(), 10);
  EXPECT_DOUBLE_EQ(smoothness.step_size(), 0.2);
  EXPECT_EQ(smoothness.norm(), v1::SmoothnessConfig::LINF);
}

TEST(ExperimentFilesTest, ThePapersTrpoHasNoRegularizer) {
  for (const char* task : kTasks) {
    const v1::ExperimentConfig config = Resolve(SourceFile(
        std::string("deploy/experiments/paper/trpo_") + task + ".textproto"));
    ExpectThePapersTrpo(config, task);
    EXPECT_FALSE(config.has_smoothness());
  }
}

TEST(ExperimentFilesTest, ThePapersTrpoSrPerturbsThePolicysInput) {
  for (const char* task : kTasks) {
    const v1::ExperimentConfig config = Resolve(SourceFile(
        std::string("deploy/experiments/paper/trpo_sr_") + task + ".textproto"));
    ExpectThePapersTrpo(config, task);
    EXPECT_EQ(config.smoothness().on(), v1::SmoothnessConfig::POLICY);
    ExpectThePapersAscent(config.smoothness());
  }
}

TEST(ExperimentFilesTest, ThePapersDdpgComesPlainAndWithEitherNetworkPerturbed) {
  for (const char* task : kTasks) {
    const auto resolve = [task](const std::string& algorithm) {
      return Resolve(SourceFile("deploy/experiments/paper/" + algorithm + "_" + task +
                                ".textproto"));
    };
    const v1::ExperimentConfig plain = resolve("ddpg");
    ExpectThePapersDdpg(plain, task);
    EXPECT_FALSE(plain.has_smoothness());
    const v1::ExperimentConfig actor = resolve("ddpg_sr_a");
    ExpectThePapersDdpg(actor, task);
    EXPECT_EQ(actor.smoothness().on(), v1::SmoothnessConfig::POLICY);
    ExpectThePapersAscent(actor.smoothness());
    const v1::ExperimentConfig critic = resolve("ddpg_sr_c");
    ExpectThePapersDdpg(critic, task);
    EXPECT_EQ(critic.smoothness().on(), v1::SmoothnessConfig::CRITIC);
    ExpectThePapersAscent(critic.smoothness());
  }
}

// All tables together must find room, or the replay refuses the experiment.
TEST(ExperimentFilesTest, TrainGivesTheReplayRoomForEveryTransitionOfThePapersDdpg) {
  for (const char* task : kTasks) {
    const v1::ExperimentConfig config = Resolve(
        SourceFile(std::string("deploy/experiments/paper/ddpg_") + task + ".textproto"));
    std::vector<v1::TableSpec> tables(config.members().member_size());
    for (size_t i = 0; i < tables.size(); ++i) {
      tables[i].set_experiment_id("e");
      tables[i].set_member(static_cast<uint32_t>(i));
      tables[i].set_num_streams(1);
      tables[i].set_observation_dim(config.task().observation_dim());
      tables[i].set_action_dim(config.task().action_dim());
      tables[i].set_steps_per_round(100);
      tables[i].set_capacity(500000);  // what the experiment ever stores
    }
    const absl::StatusOr<uint64_t> mib = ReplayMemoryMib(config, /*machine_mib=*/16384);
    ASSERT_TRUE(mib.ok()) << mib.status();
    MemoryLog log((*mib > 0 ? *mib : 2048) << 20);
    EXPECT_EQ((*ReplayStore::Open(log))->CreateTables(tables), absl::OkStatus()) << task;
  }
}

TEST(ExperimentFilesTest, TransitionsThatTheMachineCannotHoldAreRefusedBeforeAnythingStarts) {
  const v1::ExperimentConfig config =
      Resolve(SourceFile("deploy/experiments/paper/ddpg_ant.textproto"));
  const absl::Status refused = ReplayMemoryMib(config, /*machine_mib=*/2200).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()),
              testing::AllOf(testing::HasSubstr("10 members"), testing::HasSubstr("ddpg.capacity"),
                             testing::HasSubstr("2200")));
}

}  // namespace
}  // namespace sr2l
