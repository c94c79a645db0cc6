#include "common/config/validate.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/config/field_rules.h"
#include "common/config/load.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/common/config_texts.h"

namespace sr2l {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A change to the valid experiment kBoxExperiment, and how it is refused.
struct WrongValue {
  absl::string_view assignment;
  absl::string_view path;
  absl::string_view allowed;
  absl::string_view got;
};

constexpr WrongValue kWrongValues[] = {
    {"name=", "name", "1 to 64 characters of A-Za-z0-9._-", ""},
    {"name='a b'", "name", "1 to 64 characters", "a b"},
    {"name='../x'", "name", "1 to 64 characters", "../x"},
    {"name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "name",
     "1 to 64 characters", "aaa"},
    {"rounds=0", "rounds", "[1, 10000000]", "0"},
    {"rounds=10000001", "rounds", "[1, 10000000]", "10000001"},
    {"steps_per_round=-5", "steps_per_round", "[1, 1000000]", "-5"},
    {"streams_per_member=0", "streams_per_member", "[1, 1024]", "0"},
    {"streams_per_member=1025", "streams_per_member", "[1, 1024]", "1025"},
    {"streams_per_member=3", "steps_per_round", "multiple of streams_per_member (3)", "1000"},
    {"keep_policy_every=-1", "keep_policy_every", "[0, 10000000]", "-1"},
    {"collection=COLLECTION_MODE_UNSPECIFIED", "collection", "SYNCHRONOUS",
     "COLLECTION_MODE_UNSPECIFIED"},
    {"trpo.discount=0", "trpo.discount", "(0, 1]", "0"},
    {"trpo.discount=1.0000001", "trpo.discount", "(0, 1]", "1.0000001"},
    {"trpo.gae_lambda=-0.1", "trpo.gae_lambda", "[0, 1]", "-0.1"},
    {"trpo.max_kl=-1", "trpo.max_kl", "(0, 100]", "-1"},
    {"trpo.max_kl=nan", "trpo.max_kl", "(0, 100]", "nan"},
    {"trpo.max_kl=inf", "trpo.max_kl", "(0, 100]", "inf"},
    {"trpo.cg_iterations=0", "trpo.cg_iterations", "[1, 1000]", "0"},
    {"trpo.damping=-1e-9", "trpo.damping", "[0, 100]", "-1e-09"},
    {"trpo.backtracks=101", "trpo.backtracks", "[1, 100]", "101"},
    {"trpo.backtrack_ratio=1", "trpo.backtrack_ratio", "(0, 1)", "1"},
    {"trpo.hidden=[64, 0]", "trpo.hidden[1]", "[1, 4096]", "0"},
    {"trpo.hidden=[1,2,3,4,5,6,7,8,9]", "trpo.hidden", "at most 8 elements", "9"},
    {"trpo.activation=LINEAR", "trpo.activation", "TANH or RELU", "LINEAR"},
    {"trpo.initial_sigma=0", "trpo.initial_sigma", "(0, 1000]", "0"},
    {"trpo.minimum_sigma=2", "trpo.minimum_sigma", "(0, trpo.initial_sigma = 1]", "2"},
    {"trpo.value_network.hidden=[5000]", "trpo.value_network.hidden[0]", "[1, 4096]", "5000"},
    {"trpo.value_network.epochs=0", "trpo.value_network.epochs", "[1, 1000]", "0"},
    {"trpo.value_network.learning_rate=2", "trpo.value_network.learning_rate", "(0, 1]", "2"},
    {"trpo.linear_baseline.ridge=0", "trpo.linear_baseline.ridge", "(0, 1000]", "0"},
    {"collection=FREE_RUNNING", "collection", "SYNCHRONOUS with trpo", "FREE_RUNNING"},
    {"limiter={}", "limiter", "absent unless collection is FREE_RUNNING", "one"},
    {"limiter.max_staleness=0", "limiter.max_staleness", "[1, 1000000]", "0"},
    {"limiter.tolerance=inf", "limiter.tolerance", "(0, 1000000000000]", "inf"},
    {"ddpg.batch_size=0", "ddpg.batch_size", "[1, 65536]", "0"},
    {"ddpg.target_update_rate=0", "ddpg.target_update_rate", "(0, 1]", "0"},
    {"ddpg.activation=LINEAR", "ddpg.activation", "TANH or RELU", "LINEAR"},
    {"ddpg.critic_hidden=[64, 0]", "ddpg.critic_hidden[1]", "[1, 4096]", "0"},
    {"ddpg.hidden=[4096, 4096]", "ddpg.hidden", "at most 8388608 parameters", "16797697"},
    {"ddpg={capacity: 5000}", "ddpg.first_update", "at most ddpg.capacity (5000)", "10000"},
    {"ddpg={first_update: 500001}", "ddpg.first_update", "rounds x steps_per_round (500000)",
     "500001"},
    {"ddpg.steps_per_cycle=300", "steps_per_round", "multiple of ddpg.steps_per_cycle (300)",
     "1000"},
    {"ddpg={batch_size: 1000 updates_per_cycle: 20000}", "ddpg.updates_per_cycle",
     "at most 10000 with ddpg.batch_size 1000", "20000"},
    {"ddpg.exploration.ornstein_uhlenbeck={theta: 200}",
     "ddpg.exploration.ornstein_uhlenbeck.theta", "at most 1 / dt = 100", "200"},
    {"smoothness.on=CRITIC", "smoothness.on", "POLICY with trpo", "CRITIC"},
    {"smoothness.on=TARGET_UNSPECIFIED", "smoothness.on", "POLICY or CRITIC",
     "TARGET_UNSPECIFIED"},
    {"smoothness.radius=0", "smoothness.radius", "[1e-12, 1000]", "0"},
    {"smoothness.coefficient=-1", "smoothness.coefficient", "[0, 1000000]", "-1"},
    {"smoothness.steps=1001", "smoothness.steps", "[0, 1000]", "1001"},
    {"smoothness.step_size=11", "smoothness.step_size", "(0, 10]", "11"},
    {"members.radius=[0.1, 0]", "members.radius[1]", "[1e-12, 1000]", "0"},
    {"members.coefficient=[1, nan]", "members.coefficient[1]", "[0, 1000000]", "nan"},
    {"members.seeds=[1, 2, 1]", "members", "differ", "seed 1, radius 0.05, coefficient 0.5"},
    {"members.member=[{seed: 1}]", "members", "either lists", "both"},
    {"members={member: [{seed: 1 radius: 0}]}", "members.member[0].radius", "[1e-12, 1000]", "0"},
    {"members={member: [{seed: 1}, {seed: 1}]}", "members", "differ", "seed 1"},
    {"members={seeds: [0..500] radius: [1, 2]}", "members", "at most 1000", "1002"},
    {"members={seeds: [0..999, 1000]}", "members.seeds", "at most 1000 elements", "1001"},
    {"task.name=Box", "task.name", "a-z0-9_", "Box"},
    {"task.model=other.xml", "task.model", "one of task.files (box.xml, meshes/box.stl)",
     "other.xml"},
    {"task.files=[{name: '../box.xml' content: 'x'}]", "task.files[0].name",
     "relative path without \"..\"", "../box.xml"},
    {"task.files=[{name: '/box.xml' content: 'x'}]", "task.files[0].name", "relative path",
     "/box.xml"},
    {"task.files=[{name: 'a\\\\b' content: 'x'}]", "task.files[0].name", "relative path", ""},
    {"task.files=[{name: 'a\\000b' content: 'x'}]", "task.files[0].name", "relative path", ""},
    {"task.files=[{name: 'a' content: 'x'}, {name: 'a' content: 'y'}]", "task.files[1].name",
     "differ from the other files' names", "a"},
    {"task.files=[]", "task.model", "one of task.files", "box.xml"},
    {"task.observation_dim=0", "task.observation_dim", "[1, 10000]", "0"},
    {"task.action_dim=1001", "task.action_dim", "[1, 1000]", "1001"},
    {"task.frame_skip=0", "task.frame_skip", "[1, 1000]", "0"},
    {"task.step_limit=1000001", "task.step_limit", "[1, 1000000]", "1000001"},
    {"task.action_range={low: 1 high: 1}", "task.action_range.low", "< task.action_range.high",
     "1"},
    {"task.action_range={low: -inf high: 1}", "task.action_range.low", "finite", "-inf"},
    {"task.action_range={low: 1}", "task.action_range.high", "set", "nothing"},
    {"task.observation=[]", "task.observation", "at least 1 element", "0"},
    {"task.observation=[{}]", "task.observation[0].quantity", "set", "nothing"},
    {"task.observation=[{quantity: QUANTITY_UNSPECIFIED}]", "task.observation[0].quantity",
     "QPOS or QVEL or", "QUANTITY_UNSPECIFIED"},
    {"task.observation=[{quantity: QPOS}, {quantity: QVEL}, {quantity: ACT clip: -1}]",
     "task.observation[2].clip", ">= 0", "-1"},
    {"task.observation=[{quantity: ACT first: -1}]", "task.observation[0].first", ">= 0", "-1"},
    {"task.observation=[{quantity: ACT clip: inf}]", "task.observation[0].clip", ">= 0", "inf"},
    {"task.reward=[]", "task.reward", "at least 1 element", "0"},
    {"task.reward=[{}]", "task.reward[0].term", "forward_velocity or control_cost", "nothing"},
    {"task.reward=[{forward_velocity {}}]", "task.reward[0].forward_velocity.position",
     "qpos_index or body or centre_of_mass", "nothing"},
    {"task.reward=[{forward_velocity {centre_of_mass: false}}]",
     "task.reward[0].forward_velocity.centre_of_mass", "true", "false"},
    {"task.reward=[{forward_velocity {qpos_index: -1}}]",
     "task.reward[0].forward_velocity.qpos_index", ">= 0", "-1"},
    {"task.reward=[{forward_velocity {body: ''}}]", "task.reward[0].forward_velocity.body",
     "1 to 1000 printable ASCII characters", ""},
    {"task.reward=[{forward_velocity {body: 'a' axis: 3}}]",
     "task.reward[0].forward_velocity.axis", "[0, 2]", "3"},
    {"task.reward=[{forward_velocity {body: 'a' weight: inf}}]",
     "task.reward[0].forward_velocity.weight", "finite", "inf"},
    {"task.reward=[{control_cost {weight: -1}}]", "task.reward[0].control_cost.weight", ">= 0",
     "-1"},
    {"task.reward=[{alive_bonus {bonus: nan}}]", "task.reward[0].alive_bonus.bonus", "finite",
     "nan"},
    {"task.reward=[{contact_cost {clip: -1}}]", "task.reward[0].contact_cost.clip", ">= 0",
     "-1"},
    {"task.health=[{low: 1}]", "task.health[0].quantity", "set", "nothing"},
    {"task.health=[{quantity: ACT}]", "task.health[0].quantity", "QPOS or QVEL", "ACT"},
    {"task.health=[{quantity: QPOS low: 2 high: 1}]", "task.health[0].low", "< its high = 1",
     "2"},
    {"task.health=[{quantity: QPOS low: nan}]", "task.health[0].low", "number", "nan"},
    {"task.reset.qvel.scale=-0.1", "task.reset.qvel.scale", ">= 0", "-0.1"},
    {"task.friction=[{geom: 'a'}]", "task.friction[0].sliding", "set", "nothing"},
    {"task.friction=[{sliding: 1}]", "task.friction[0].geom", "set", "nothing"},
};

v1::ExperimentConfig Box() { return ParseExperiment(kBoxExperiment, "box").value(); }

void ExpectRefused(const v1::ExperimentConfig& config, const WrongValue& wrong) {
  for (const absl::Status& status : {Validate(config), ResolveExperiment(config).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong.assignment;
    const std::string message(status.message());
    EXPECT_THAT(message, StartsWith(absl::StrCat(wrong.path, " must ")));
    EXPECT_THAT(message, HasSubstr(std::string(wrong.allowed)));
    EXPECT_THAT(message.substr(message.find(", got ")), HasSubstr(std::string(wrong.got)));
  }
}

TEST(ValidateTest, WrongValuesAreRefusedWithPathAllowedValuesAndValue) {
  for (const WrongValue& wrong : kWrongValues) {
    v1::ExperimentConfig config = Box();
    const absl::Status applied = ApplyOverride(wrong.assignment, config);
    ASSERT_TRUE(applied.ok()) << applied;
    ExpectRefused(config, wrong);
  }
}

// Changes to a valid FREE_RUNNING experiment.
constexpr WrongValue kWrongFreeRunningValues[] = {
    {"limiter.tolerance=3199", "limiter.tolerance", "at least 3200,", "3199"},
    {"limiter={tolerance: 3200 max_staleness: 3}", "limiter.max_staleness", "at least 4,", "3"},
    {"limiter={tolerance: 50000 max_staleness: 10}", "limiter.max_staleness", "at least 34,",
     "10"},
    {"limiter={samples_per_insert: 1e-9 tolerance: 3199}", "limiter.samples_per_insert",
     "allow the 3200 samples of one cycle, or nothing is learned", "1e-09"},
    {"streams_per_member=3", "ddpg.steps_per_cycle", "multiple of streams_per_member (3)", "100"},
    {"smoothness.discount_weighting=true", "smoothness.discount_weighting", "false with ddpg",
     "true"},
};

TEST(ValidateTest, LimitsUnderWhichActorsAndLearnerWaitForEachOtherAreRefused) {
  for (const WrongValue& wrong : kWrongFreeRunningValues) {
    v1::ExperimentConfig config = Box();
    config.mutable_ddpg();
    config.set_collection(v1::FREE_RUNNING);
    EXPECT_EQ(Validate(config), absl::OkStatus());
    ASSERT_EQ(ApplyOverride(std::string(wrong.assignment), config), absl::OkStatus());
    ExpectRefused(config, wrong);
  }
}

TEST(ValidateTest, ValuesOfTheTaskAreRefusedTheSameWayByThemselves) {
  for (const WrongValue& wrong : kWrongValues) {
    if (wrong.path.substr(0, 5) != "task.") continue;
    v1::ExperimentConfig config = Box();
    ASSERT_TRUE(ApplyOverride(wrong.assignment, config).ok());
    EXPECT_EQ(ValidateTask(config.task()), Validate(config));
  }
}

TEST(ValidateTest, ValidExperimentsPassBeforeAndAfterResolving) {
  EXPECT_EQ(Validate(Box()), absl::OkStatus());
  EXPECT_EQ(ValidateTask(Box().task()), absl::OkStatus());
  for (const std::string& text : ValidExperiments()) {
    const auto resolved = ResolveExperiment(ParseExperiment(text, "test").value());
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_EQ(Validate(*resolved), absl::OkStatus());
  }
}

TEST(ValidateTest, WhatIsMissingIsNamed) {
  v1::ExperimentConfig config = Box();
  config.clear_task();
  ExpectRefused(config, {"no task", "task", "be set", "nothing"});
  config = Box();
  config.clear_trpo();
  ExpectRefused(config, {"no algorithm", "algorithm", "trpo", "nothing"});
  config = Box();
  config.mutable_task()->clear_model();
  ExpectRefused(config, {"no model", "task.model", "be set", "nothing"});
  config = Box();
  config.mutable_task()->clear_observation_dim();
  ExpectRefused(config, {"no size", "task.observation_dim", "be set", "nothing"});
}

TEST(ValidateTest, MembersOfAPlainExperimentHaveNoRadius) {
  const std::string plain = "task { builtin: 'swimmer' } trpo {} members { ";
  const auto message = [&plain](const std::string& members) {
    const auto config = ParseExperiment(plain + members + " }", "test").value();
    return std::string(ResolveExperiment(config).status().message());
  };
  EXPECT_EQ(message("radius: [0.1]"),
            "members.radius must be empty when smoothness is absent, got a list");
  EXPECT_EQ(message("coefficient: [1]"),
            "members.coefficient must be empty when smoothness is absent, got a list");
  EXPECT_EQ(message("member { seed: 1 } member { radius: 0.1 }"),
            "members.member[1].radius must be 0 when smoothness is absent, got 0.1");
  EXPECT_EQ(message("member { coefficient: 2 }"),
            "members.member[0].coefficient must be 0 when smoothness is absent, got 2");
}

TEST(ValidateTest, AThousandMembersAreAllowed) {
  v1::ExperimentConfig config = Box();
  ASSERT_TRUE(ApplyOverride("members={seeds: [0..99] radius: [1..10]}", config).ok());
  EXPECT_EQ(ResolveExperiment(config)->members().member_size(), 1000);
}

TEST(ValidateTest, MoreThan32MiBOfFilesAreRefused) {
  v1::ExperimentConfig config = Box();
  config.mutable_task()->mutable_files(1)->set_content(std::string(32 * 1024 * 1024 - 9, 'x'));
  EXPECT_EQ(Validate(config), absl::OkStatus());
  config.mutable_task()->mutable_files(1)->mutable_content()->push_back('x');
  EXPECT_EQ(Validate(config).message(),
            "task.files must have at most 33554432 bytes in all, got 33554433");
}

TEST(ValidateTest, ATaskThatIsNotResolvedIsRefused) {
  v1::ExperimentConfig config = Box();
  config.mutable_task()->set_builtin("ant");
  EXPECT_THAT(std::string(Validate(config).message()), StartsWith("task.builtin must be resolved"));
}

TEST(ValidateTest, UnknownFieldsAreRefusedAtAnyDepth) {
  const auto add_unknown = [](google::protobuf::Message* message) {
    message->GetReflection()->MutableUnknownFields(message)->AddVarint(99, 1);
  };
  v1::ExperimentConfig config = Box();
  add_unknown(&config);
  EXPECT_EQ(Validate(config).message(),
            "the experiment must have no unknown field, got number 99");
  config = Box();
  add_unknown(config.mutable_trpo()->mutable_value_network());
  EXPECT_EQ(Validate(config).message(),
            "trpo.value_network must have no unknown field, got number 99");
  config = Box();
  add_unknown(config.mutable_task()->mutable_reward(0)->mutable_forward_velocity());
  EXPECT_EQ(Validate(config).message(),
            "task.reward[0].forward_velocity must have no unknown field, got number 99");
  // So is a value that this version's enumeration does not have.
  config = Box();
  config.GetReflection()->MutableUnknownFields(&config)->AddVarint(8, 77);
  EXPECT_EQ(ResolveExperiment(config).status().code(), absl::StatusCode::kInvalidArgument);
  v1::ExperimentConfig builtin = ParseExperiment("task { builtin: 'ant' } trpo {}", "t").value();
  add_unknown(builtin.mutable_task());
  EXPECT_EQ(ResolveExperiment(builtin).status().message(),
            "task must have no unknown field, got number 99");
}

TEST(ValidateTest, ALongValueIsCutInTheMessage) {
  v1::ExperimentConfig config = Box();
  config.set_name(std::string(1000000, '\xff'));
  EXPECT_LT(Validate(config).message().size(), 1000u);
}

// Visits every message that an experiment can hold.
void CollectFields(const Descriptor& descriptor, std::set<const Descriptor*>& seen,
                   std::vector<const FieldDescriptor*>& fields) {
  if (!seen.insert(&descriptor).second) return;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    fields.push_back(field);
    if (field->message_type() != nullptr) CollectFields(*field->message_type(), seen, fields);
  }
}

TEST(ValidateTest, EveryNumberAndStringHasARule) {
  std::set<const Descriptor*> seen;
  std::vector<const FieldDescriptor*> fields;
  CollectFields(*v1::ExperimentConfig::descriptor(), seen, fields);
  // A name to look up, and bytes that only their size limits.
  const std::set<std::string> free_text = {"sr2l.v1.TaskConfig.builtin",
                                           "sr2l.v1.ModelFile.content"};
  EXPECT_GT(fields.size(), 90u);
  for (const FieldDescriptor* field : fields) {
    const auto type = field->cpp_type();
    if (type == FieldDescriptor::CPPTYPE_MESSAGE || type == FieldDescriptor::CPPTYPE_BOOL ||
        type == FieldDescriptor::CPPTYPE_ENUM ||
        free_text.count(std::string(field->full_name())) > 0) {
      continue;
    }
    EXPECT_TRUE(HasFieldRule(*field)) << std::string(field->full_name());
  }
}

}  // namespace
}  // namespace sr2l
