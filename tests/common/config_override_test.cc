#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "common/config/load.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/common/config_texts.h"

namespace sr2l {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::ExperimentConfig Box() { return ParseExperiment(kBoxExperiment, "box").value(); }

v1::ExperimentConfig After(const std::string& assignment) {
  v1::ExperimentConfig config = Box();
  const absl::Status status = ApplyOverride(assignment, config);
  EXPECT_TRUE(status.ok()) << assignment << ": " << status;
  return config;
}

std::string ErrorOf(const std::string& assignment) {
  v1::ExperimentConfig config = Box();
  const absl::Status status = ApplyOverride(assignment, config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << assignment;
  EXPECT_TRUE(MessageDifferencer::Equals(config, Box())) << assignment << " changed something";
  return std::string(status.message());
}

TEST(ApplyOverrideTest, ASingleFieldIsReplaced) {
  EXPECT_EQ(After("trpo.max_kl=0.02").trpo().max_kl(), 0.02);
  EXPECT_EQ(After("rounds=7").rounds(), 7);
  EXPECT_EQ(After(" rounds = 7 ").rounds(), 7);
  EXPECT_EQ(After("trpo.activation=RELU").trpo().activation(), v1::RELU);
  EXPECT_FALSE(After("smoothness.detach_sigma=false").smoothness().detach_sigma());
  EXPECT_EQ(After("task.reset.qpos.scale=1e-2").task().reset().qpos().scale(), 0.01);
}

TEST(ApplyOverrideTest, AStringNeedsNoQuotes) {
  EXPECT_EQ(After("name=first.try").name(), "first.try");
  EXPECT_EQ(After("name=\"first try\"").name(), "first try");
  EXPECT_EQ(After("name='a=b'").name(), "a=b");
  EXPECT_EQ(After("name=a=b").name(), "a=b");
  EXPECT_EQ(After("name=").name(), "");
}

TEST(ApplyOverrideTest, AListIsReplacedAsAWhole) {
  EXPECT_THAT(After("members.seeds=[4, 5]").members().seeds(), ElementsAre(4, 5));
  EXPECT_THAT(After("members.seeds=[8..10]").members().seeds(), ElementsAre(8, 9, 10));
  EXPECT_THAT(After("members.seeds=6").members().seeds(), ElementsAre(6));
  EXPECT_THAT(After("members.seeds=[]").members().seeds(), IsEmpty());
  EXPECT_THAT(After("trpo.hidden=[400, 300]").trpo().hidden(), ElementsAre(400, 300));
  const v1::TaskConfig task = After("task.observation=[{quantity: ACT}]").task();
  ASSERT_EQ(task.observation_size(), 1);
  EXPECT_EQ(task.observation(0).quantity(), v1::ACT);
}

TEST(ApplyOverrideTest, AMessageIsReplacedAsAWhole) {
  const v1::SmoothnessConfig smoothness = After("smoothness={steps: 3}").smoothness();
  EXPECT_EQ(smoothness.steps(), 3);
  EXPECT_FALSE(smoothness.has_radius());
  EXPECT_FALSE(After("smoothness={}").smoothness().has_radius());
}

TEST(ApplyOverrideTest, AFieldOfAOneofTakesTheOthersPlace) {
  v1::ExperimentConfig config = After("trpo.linear_baseline.ridge=0.5");
  EXPECT_EQ(config.trpo().baseline_case(), v1::TrpoConfig::kLinearBaseline);
  ASSERT_TRUE(ApplyOverride("trpo.value_network={}", config).ok());
  EXPECT_EQ(config.trpo().baseline_case(), v1::TrpoConfig::kValueNetwork);
}

TEST(ApplyOverrideTest, AnUnknownFieldIsRefusedWithTheNearestOne) {
  EXPECT_EQ(ErrorOf("trpo.max_lk=1"), "unknown field trpo.max_lk; did you mean trpo.max_kl?");
  EXPECT_EQ(ErrorOf("smothness.radius=1"),
            "unknown field smothness; did you mean smoothness?");
  EXPECT_EQ(ErrorOf("members.seed=1"), "unknown field members.seed; did you mean members.seeds?");
  EXPECT_EQ(ErrorOf("round=1"), "unknown field round; did you mean rounds?");
  EXPECT_THAT(ErrorOf("trpo..max_kl=1"), HasSubstr("unknown field trpo.;"));
  EXPECT_THAT(ErrorOf("=1"), HasSubstr("unknown field"));
  std::string assignment(100000, 'x');
  assignment += "=1";
  EXPECT_THAT(ErrorOf(assignment), HasSubstr("unknown field xxx"));
}

TEST(ApplyOverrideTest, AnElementOfAListIsNotAPath) {
  EXPECT_EQ(ErrorOf("task.observation[0].clip=1"),
            "unknown field task.observation[0]; a list is set as a whole: "
            "task.observation=[...]");
  EXPECT_EQ(ErrorOf("task.observation.clip=1"),
            "task.observation is a list, which is set as a whole: task.observation=[...]");
}

TEST(ApplyOverrideTest, AFieldOfANumberIsRefused) {
  EXPECT_EQ(ErrorOf("trpo.max_kl.nats=1"),
            "unknown field trpo.max_kl.nats; trpo.max_kl is a number and has no fields");
}

TEST(ApplyOverrideTest, AWrongValueIsRefusedWithPathValueAndType) {
  EXPECT_THAT(ErrorOf("trpo.max_kl=high"), HasSubstr("trpo.max_kl must be a number, got high"));
  EXPECT_THAT(ErrorOf("trpo.max_kl="), HasSubstr("trpo.max_kl must be a number, got "));
  EXPECT_THAT(ErrorOf("rounds=1.5"), HasSubstr("rounds must be an integer, got 1.5"));
  EXPECT_THAT(ErrorOf("rounds=[1]"), HasSubstr("rounds must be an integer, got [1]"));
  EXPECT_THAT(ErrorOf("smoothness.detach_sigma=maybe"), HasSubstr("must be true or false"));
  EXPECT_THAT(ErrorOf("trpo.activation=SIGMOID"),
              HasSubstr("trpo.activation must be one of TANH, RELU, LINEAR, got SIGMOID"));
  EXPECT_THAT(ErrorOf("members.seeds=[0, x]"),
              HasSubstr("members.seeds must be a list [...], each element an integer >= 0, got"));
  EXPECT_THAT(ErrorOf("members.seeds=[-1]"), HasSubstr("each element an integer >= 0"));
  EXPECT_THAT(ErrorOf("members.seeds=[5..1]"), HasSubstr("the range 5..1 must go upwards"));
  EXPECT_THAT(ErrorOf("trpo=5"), HasSubstr("trpo must be {...} with fields of TrpoConfig"));
  EXPECT_THAT(ErrorOf("trpo={max_lk: 1}"), HasSubstr("max_lk"));
  EXPECT_THAT(ErrorOf("name=\"open"), HasSubstr("name must be a string"));
}

TEST(ApplyOverrideTest, AValueCannotSetASecondField) {
  EXPECT_THAT(ErrorOf("trpo.max_kl=1 damping: 2"), HasSubstr("more than one value"));
  EXPECT_THAT(ErrorOf("trpo.max_kl=1 max_kl: 2"), HasSubstr("trpo.max_kl must be a number"));
  EXPECT_THAT(ErrorOf("members.seeds=1 seeds: 2"), HasSubstr("members.seeds must be a list"));
}

TEST(ApplyOverrideTest, AnAssignmentWithoutEqualsIsRefused) {
  EXPECT_EQ(ErrorOf("rounds"), "an override must be PATH=VALUE, got rounds");
}

}  // namespace
}  // namespace sr2l
