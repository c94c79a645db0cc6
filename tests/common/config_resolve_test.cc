#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>
#include <vector>

#include "common/config/load.h"
#include "common/config/validate.h"
#include "common/task/builtin_tasks.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/common/config_texts.h"

namespace sr2l {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::ExperimentConfig Parse(const std::string& text) {
  const auto config = ParseExperiment(text, "test");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : v1::ExperimentConfig();
}

v1::ExperimentConfig Resolve(const v1::ExperimentConfig& config) {
  const auto resolved = ResolveExperiment(config);
  EXPECT_TRUE(resolved.ok()) << resolved.status() << "\n" << config.ShortDebugString();
  return resolved.ok() ? *resolved : v1::ExperimentConfig();
}

v1::ExperimentConfig ResolveText(const std::string& text) { return Resolve(Parse(text)); }

using MemberTuple = std::tuple<uint64_t, double, double>;

std::vector<MemberTuple> Members(const v1::ExperimentConfig& config) {
  std::vector<MemberTuple> members;
  for (const v1::MemberConfig& member : config.members().member()) {
    EXPECT_TRUE(member.has_seed() && member.has_radius() && member.has_coefficient());
    members.emplace_back(member.seed(), member.radius(), member.coefficient());
  }
  return members;
}

// The paths of fields that have a default and are not set.
void CollectUnset(const Message& message, const std::string& path,
                  std::vector<std::string>& unset) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    const std::string field_path = path + "." + std::string(field->name());
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      for (int j = 0; is_message && j < message.GetReflection()->FieldSize(message, field); ++j) {
        CollectUnset(message.GetReflection()->GetRepeatedMessage(message, field, j), field_path,
                     unset);
      }
    } else if (message.GetReflection()->HasField(message, field)) {
      if (is_message) {
        CollectUnset(message.GetReflection()->GetMessage(message, field), field_path, unset);
      }
    } else if (field->has_default_value()) {
      unset.push_back(field_path);
    }
  }
}

TEST(ResolveExperimentTest, EveryDefaultIsWrittenOut) {
  for (const std::string& text : ValidExperiments()) {
    const v1::ExperimentConfig config = ResolveText(text);
    std::vector<std::string> unset;
    CollectUnset(config, "", unset);
    EXPECT_THAT(unset, testing::IsEmpty()) << text;
    EXPECT_FALSE(config.task().has_builtin());
    if (config.has_trpo()) {
      EXPECT_GT(config.trpo().hidden_size(), 0);
      EXPECT_NE(config.trpo().baseline_case(), v1::TrpoConfig::BASELINE_NOT_SET);
    } else {
      EXPECT_GT(config.ddpg().hidden_size(), 0);
      EXPECT_GT(config.ddpg().critic_hidden_size(), 0);
      EXPECT_NE(config.ddpg().exploration().noise_case(), v1::ExplorationConfig::NOISE_NOT_SET);
      EXPECT_EQ(config.has_limiter(), config.collection() == v1::FREE_RUNNING);
    }
    EXPECT_TRUE(config.task().reset().has_qpos() && config.task().reset().has_qvel());
  }
}

TEST(ResolveExperimentTest, TheBareMinimumGetsTheDocumentedDefaults) {
  const v1::ExperimentConfig config = ResolveText("task { builtin: 'swimmer' } trpo {}");
  EXPECT_EQ(config.name(), "trpo_swimmer");
  EXPECT_EQ(config.rounds(), 500);
  EXPECT_EQ(config.steps_per_round(), 1000);
  EXPECT_EQ(config.task().observation_dim(), 8);
  EXPECT_EQ(config.trpo().max_kl(), 0.01);
  EXPECT_THAT(config.trpo().hidden(), ElementsAre(64, 64));
  EXPECT_THAT(config.trpo().value_network().hidden(), ElementsAre(64, 64));
  EXPECT_FALSE(config.has_smoothness());
  EXPECT_THAT(Members(config), ElementsAre(MemberTuple(0, 0, 0)));
}

TEST(ResolveExperimentTest, DdpgGetsTheDocumentedDefaults) {
  const v1::ExperimentConfig config = ResolveText("task { builtin: 'hopper' } ddpg {}");
  EXPECT_EQ(config.name(), "ddpg_hopper");
  EXPECT_EQ(config.ddpg().actor_learning_rate(), 1e-4);
  EXPECT_EQ(config.ddpg().critic_learning_rate(), 1e-3);
  EXPECT_EQ(config.ddpg().target_update_rate(), 0.01);
  EXPECT_EQ(config.ddpg().capacity(), 1000000);
  EXPECT_EQ(config.ddpg().activation(), v1::RELU);
  EXPECT_EQ(config.ddpg().exploration().ornstein_uhlenbeck().sigma(), 0.2);
  EXPECT_EQ(config.ddpg().exploration().ornstein_uhlenbeck().theta(), 0.15);
  EXPECT_EQ(config.ddpg().exploration().ornstein_uhlenbeck().dt(), 0.01);
  EXPECT_FALSE(config.has_limiter());
}

TEST(ResolveExperimentTest, TheLimiterFollowsTheCycle) {
  const v1::LimiterConfig limiter =
      ResolveText("task { builtin: 'hopper' } ddpg { batch_size: 100 } collection: FREE_RUNNING")
          .limiter();
  EXPECT_EQ(limiter.samples_per_insert(), 50);  // 50 updates x 100 transitions / 100 steps
  EXPECT_EQ(limiter.tolerance(), 20000);        // four cycles
  EXPECT_EQ(limiter.max_staleness(), 10);
}

TEST(ResolveExperimentTest, TheLimitersDefaultsGoWithWhatIsSet) {
  for (const char* limiter : {"samples_per_insert: 0.1", "samples_per_insert: 1000",
                              "tolerance: 50000", "samples_per_insert: 1 tolerance: 5000"}) {
    const v1::ExperimentConfig config = ResolveText(absl::StrCat(
        "task { builtin: 'hopper' } ddpg {} collection: FREE_RUNNING limiter { ", limiter, " }"));
    EXPECT_GE(config.limiter().max_staleness(), 3) << limiter;
  }
}

TEST(ResolveExperimentTest, ResolvingTwiceChangesNothing) {
  for (const std::string& text : ValidExperiments()) {
    const v1::ExperimentConfig once = ResolveText(text);
    EXPECT_TRUE(MessageDifferencer::Equals(once, Resolve(once))) << text;
  }
}

TEST(ResolveExperimentTest, ListsAreCrossedWithRadiusOutermostThenCoefficientThenSeed) {
  const v1::ExperimentConfig config = ResolveText(
      "task { builtin: 'swimmer' } trpo {} smoothness {}\n"
      "members { seeds: [3, 1] radius: [0.2, 0.1] coefficient: [1, 0] }");
  EXPECT_THAT(Members(config),
              ElementsAre(MemberTuple(3, 0.2, 1), MemberTuple(1, 0.2, 1), MemberTuple(3, 0.2, 0),
                          MemberTuple(1, 0.2, 0), MemberTuple(3, 0.1, 1), MemberTuple(1, 0.1, 1),
                          MemberTuple(3, 0.1, 0), MemberTuple(1, 0.1, 0)));
  EXPECT_EQ(config.members().seeds_size(), 0);
}

TEST(ResolveExperimentTest, MembersOneByOneKeepTheirOrderAndTakeTheRestFromSmoothness) {
  const v1::ExperimentConfig config = ResolveText(
      "task { builtin: 'swimmer' } trpo {} smoothness { radius: 0.3 coefficient: 7 }\n"
      "members { member { seed: 9 } member { seed: 2 radius: 0.5 } member { coefficient: 0 } }");
  EXPECT_THAT(Members(config), ElementsAre(MemberTuple(9, 0.3, 7), MemberTuple(2, 0.5, 7),
                                           MemberTuple(0, 0.3, 0)));
}

TEST(ResolveExperimentTest, TheNameTellsWhetherAnyMemberIsSmoothed) {
  const std::string task = "task { builtin: 'hopper' } trpo {} ";
  EXPECT_EQ(ResolveText(task).name(), "trpo_hopper");
  EXPECT_EQ(ResolveText(task + "smoothness {}").name(), "trpo_sr_hopper");
  EXPECT_EQ(ResolveText(task + "smoothness { coefficient: 0 }").name(), "trpo_hopper");
  EXPECT_EQ(ResolveText(task + "smoothness { coefficient: 0 } members { coefficient: [0, 1] }")
                .name(),
            "trpo_sr_hopper");
  EXPECT_EQ(ResolveText(task + "smoothness {} members { member { coefficient: 0 } }").name(),
            "trpo_hopper");
  EXPECT_EQ(ResolveText("name: 'mine' " + task).name(), "mine");
  const std::string ddpg = "task { builtin: 'hopper' } ddpg {} ";
  EXPECT_EQ(ResolveText(ddpg + "smoothness {}").name(), "ddpg_sr_a_hopper");
  EXPECT_EQ(ResolveText(ddpg + "smoothness { on: CRITIC }").name(), "ddpg_sr_c_hopper");
  EXPECT_EQ(ResolveText(ddpg + "smoothness { on: CRITIC coefficient: 0 }").name(), "ddpg_hopper");
}

TEST(ResolveExperimentTest, ALongTaskNameStillGivesAValidExperimentName) {
  v1::ExperimentConfig config = Parse(kBoxExperiment);
  config.mutable_task()->set_name(std::string(64, 'x'));
  EXPECT_EQ(Resolve(config).name(), "trpo_sr_" + std::string(56, 'x'));
}

TEST(ResolveExperimentTest, AnUnknownBuiltinTaskIsRefusedByName) {
  const auto config = ResolveExperiment(Parse("task { builtin: 'snake' } trpo {}"));
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("task.builtin"));
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("swimmer"));
}

TEST(FormatExperimentTest, WhatItWritesResolvesToTheSameExperiment) {
  for (const std::string& text : ValidExperiments()) {
    const v1::ExperimentConfig config = Parse(text);
    const v1::ExperimentConfig resolved = Resolve(config);
    for (const v1::ExperimentConfig& written : {config, resolved}) {
      v1::ExperimentConfig read = Parse(FormatExperiment(written));
      // The text leaves the contents of a user's own files out.
      if (!config.task().has_builtin()) {
        *read.mutable_task()->mutable_files() = config.task().files();
      }
      EXPECT_TRUE(MessageDifferencer::Equals(Resolve(read), resolved))
          << FormatExperiment(written);
    }
  }
}

TEST(FormatExperimentTest, EveryBuiltinTaskSurvivesTheRoundTrip) {
  for (const std::string& name : BuiltinTaskNames()) {
    const v1::ExperimentConfig resolved =
        ResolveText("task { builtin: '" + name + "' } trpo {} smoothness {}");
    EXPECT_TRUE(MessageDifferencer::Equals(resolved, ResolveText(FormatExperiment(resolved))));
  }
}

TEST(FormatExperimentTest, EveryDefaultThatAppliesIsInTheText) {
  const std::string text =
      FormatExperiment(Parse("task { builtin: 'swimmer' } trpo {} smoothness {}"));
  for (const char* line :
       {"name: \"trpo_sr_swimmer\"", "rounds: 500", "max_kl: 0.01", "damping: 1e-05",
        "hidden: [64, 64]", "value_network {", "epochs: 10", "learning_rate: 0.00025",
        "on: POLICY", "gradient: SIGN", "detach_sigma: true", "seeds: [0]", "radius: [0.01]",
        "coefficient: [1]", "collection: SYNCHRONOUS"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(FormatExperimentTest, ContentsOfModelFilesAreLeftOutAndTheirSizesNoted) {
  const std::string text = FormatExperiment(ResolveText(kBoxExperiment));
  EXPECT_THAT(text, HasSubstr("#   box.xml, 9 bytes\n"));
  EXPECT_THAT(text, HasSubstr("#   meshes/box.stl, 5 bytes\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("<mujoco/>")));
}

class LoadExperimentTest : public testing::Test {
 protected:
  LoadExperimentTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sr2l_load_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~LoadExperimentTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = (folder_ / name).string();
    std::ofstream(path) << content;
    return path;
  }

  std::filesystem::path folder_;
};

TEST_F(LoadExperimentTest, OverridesAreAppliedInOrder) {
  const std::string path = Write("a.textproto", "task { builtin: 'ant' } trpo {} rounds: 1");
  const auto config = LoadExperiment(path, {"rounds=2", "trpo.max_kl=0.5", "rounds=3"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->rounds(), 3);
  EXPECT_EQ(config->trpo().max_kl(), 0.5);
}

TEST_F(LoadExperimentTest, TheModelBesideTheFileComesAlong) {
  Write("robot.xml", "<mujoco><worldbody/></mujoco>");
  const std::string path = Write("robot.textproto", R"(
    task { model: "robot.xml" observation_dim: 1 action_dim: 1
           observation { quantity: QPOS } reward { alive_bonus {} } }
    trpo {})");
  const auto config = LoadExperiment(path, {});
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->task().files_size(), 1);
  EXPECT_EQ(config->task().files(0).content(), "<mujoco><worldbody/></mujoco>");
  EXPECT_EQ(Resolve(*config).name(), "trpo_robot");
}

TEST_F(LoadExperimentTest, AnErrorNamesTheFile) {
  const std::string path = Write("a.textproto", "rounds: 1\nsteps: 2");
  EXPECT_THAT(std::string(LoadExperiment(path, {}).status().message()),
              testing::StartsWith(path + ":2:6: "));
  const absl::Status missing = LoadExperiment((folder_ / "b").string(), {}).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr((folder_ / "b").string()));
  EXPECT_FALSE(LoadExperiment(folder_.string(), {}).ok());
}

}  // namespace
}  // namespace sr2l
