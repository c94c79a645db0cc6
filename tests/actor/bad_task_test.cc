// Every wrong task is refused with the field or file at fault, what is allowed, and the
// value.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "actor/environment/environment.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

using Edit = std::function<void(v1::TaskConfig&)>;

struct Case {
  std::string name;
  Edit edit;  // of the built-in hopper
  std::string message;
};

v1::ForwardVelocity& Velocity(v1::TaskConfig& task) {
  return *task.mutable_reward(0)->mutable_forward_velocity();
}

void SetModel(v1::TaskConfig& task, const std::string& xml) {
  task.mutable_files(0)->set_content(xml);
}

const Case kCases[] = {
    {"FrameSkipZero", [](auto& t) { t.set_frame_skip(0); },
     "task.frame_skip must be in [1, 1000], got 0"},
    {"StepLimitNegative", [](auto& t) { t.set_step_limit(-4); },
     "task.step_limit must be in [1, 1000000], got -4"},
    {"ObservationDim", [](auto& t) { t.set_observation_dim(12); },
     "task.observation_dim is 12, but with this model the terms of task.observation add up to 11"},
    {"NoObservation", [](auto& t) { t.clear_observation(); }, "task.observation add up to 0"},
    {"ActionDim", [](auto& t) { t.set_action_dim(4); },
     "task.action_dim is 4, but the model has 3 actuators"},
    {"NoActuator",
     [](auto& t) { SetModel(t, "<mujoco><worldbody><geom size='1'/></worldbody></mujoco>"); },
     "but the model has 0 actuators"},
    {"QuantityMissing", [](auto& t) { t.mutable_observation(1)->clear_quantity(); },
     "task.observation[1].quantity must be set"},
    {"FirstTooLarge", [](auto& t) { t.mutable_observation(0)->set_first(6); },
     "task.observation[0].first must be in [0, 5], got 6 (the model has 6 coordinates of QPOS)"},
    {"FirstNegative", [](auto& t) { t.mutable_observation(0)->set_first(-1); },
     "task.observation[0].first must be in [0, 5], got -1"},
    {"CountTooLarge", [](auto& t) { t.mutable_observation(0)->set_count(6); },
     "task.observation[0].count must be in [0, 5], got 6"},
    {"CountOverflows", [](auto& t) { t.mutable_observation(0)->set_count(2147483647); },
     "task.observation[0].count must be in [0, 5], got 2147483647"},
    {"EmptyQuantity", [](auto& t) { t.mutable_observation(0)->set_quantity(v1::SENSORDATA); },
     "task.observation[0].quantity is empty (the model has 0 coordinates of SENSORDATA)"},
    {"ClipNegative", [](auto& t) { t.mutable_observation(1)->set_clip(-10); },
     "task.observation[1].clip must be >= 0, got -10"},
    {"NoReward", [](auto& t) { t.clear_reward(); },
     "task.reward must have at least one term, got none"},
    {"EmptyReward", [](auto& t) { t.mutable_reward(1)->Clear(); },
     "task.reward[1] must be one of forward_velocity"},
    {"QposIndex", [](auto& t) { Velocity(t).set_qpos_index(6); },
     "task.reward[0].forward_velocity.qpos_index must be in [0, 5], got 6"},
    {"UnknownBody", [](auto& t) { Velocity(t).set_body("tail"); },
     "task.reward[0].forward_velocity.body must be one of the model's bodies (world, torso, thigh, "
     "leg, foot), got \"tail\""},
    {"Axis", [](auto& t) { Velocity(t).set_axis(3); },
     "task.reward[0].forward_velocity.axis must be in [0, 2], got 3"},
    {"NoPosition", [](auto& t) { Velocity(t).clear_position(); },
     "task.reward[0].forward_velocity must have one of qpos_index, body"},
    {"WeightNotFinite", [](auto& t) { Velocity(t).set_weight(std::nan("")); },
     "task.reward[0].forward_velocity.weight must be finite, got nan"},
    {"ControlWeight", [](auto& t) { t.mutable_reward(2)->mutable_control_cost()->set_weight(-1); },
     "task.reward[2].control_cost.weight must be finite and >= 0, got -1"},
    {"ContactClip", [](auto& t) { t.mutable_reward(2)->mutable_contact_cost()->set_clip(-1); },
     "task.reward[2].contact_cost.clip must be finite and >= 0, got -1"},
    {"HealthQuantity", [](auto& t) { t.mutable_health(0)->set_quantity(v1::CVEL); },
     "task.health[0].quantity must be QPOS or QVEL, got CVEL"},
    {"HealthRange", [](auto& t) { t.mutable_health(3)->set_high(-0.2); },
     "task.health[3].low must be < high, got -0.2 and -0.2"},
    {"HealthFirst", [](auto& t) { t.mutable_health(2)->set_first(99); },
     "task.health[2].first must be in [0, 5], got 99"},
    {"ResetScale", [](auto& t) { t.mutable_reset()->mutable_qvel()->set_scale(-1); },
     "task.reset.qvel.scale must be finite and >= 0, got -1"},
    {"ActionRange", [](auto& t) { t.mutable_action_range()->set_low(1); },
     "task.action_range must be finite with low < high, got 1 and 0"},
    {"NoControlRange",
     [](auto& t) {
       SetModel(t,
                "<mujoco><worldbody><body><joint name='j'/><geom size='1'/></body></worldbody>"
                "<actuator><motor joint='j'/></actuator></mujoco>");
       t.set_action_dim(1);
     },
     "task.action_range must be set, because the model's actuator 0 has no control range"},
    {"FrictionGeom", [](auto& t) { t.add_friction()->set_geom("hand"); },
     "task.friction[0].geom must be one of the model's geoms (ground, torso, thigh, leg, foot), "
     "got \"hand\""},
    {"FrictionValue",
     [](auto& t) {
       t.add_friction()->set_geom("foot");
       t.mutable_friction(0)->set_sliding(-2);
     },
     "task.friction[0].sliding must be >= 0, got -2"},
    {"Unresolved", [](auto& t) { t.set_builtin("ant"); }, "task.builtin must be resolved"},
    {"NoFiles", [](auto& t) { t.clear_files(); },
     "task.model refers to \"hopper.xml\": there is no such file in task.files"},
    {"EmptyModel", [](auto& t) { SetModel(t, ""); }, "hopper.xml:0: not an XML file"},
    {"NotXml", [](auto& t) { SetModel(t, "<mujoco"); }, "hopper.xml:1: not an XML file"},
    {"NotMjcf", [](auto& t) { SetModel(t, "<robot/>"); },
     "hopper.xml:1: the root element must be mujoco, got robot"},
    {"BadMjcf", [](auto& t) { SetModel(t, "<mujoco>\n<wordbody/></mujoco>"); },
     "model hopper.xml: "},
    {"FileOfThisMachine",
     [](auto& t) { SetModel(t, "<mujoco><include file='/etc/hosts.xml'/></mujoco>"); },
     "hopper.xml:1: <include> refers to \"/etc/hosts.xml\": absolute paths are not allowed"},
    {"FileNotSent",
     [](auto& t) { SetModel(t, "<mujoco>\n<asset><mesh file='arm.stl'/></asset></mujoco>"); },
     "hopper.xml:2: <mesh> refers to \"arm.stl\": there is no such file in task.files"},
    {"StartNotFinite",
     [](auto& t) {
       t.mutable_reset()->mutable_qvel()->set_scale(1e308);
       t.mutable_reset()->mutable_qvel()->set_distribution(v1::ResetNoise::NORMAL);
     },
     "the task's start is not finite"},
};

class BadTaskTest : public testing::TestWithParam<Case> {};

TEST_P(BadTaskTest, IsRefusedByName) {
  v1::TaskConfig task = *BuiltinTask("hopper");
  GetParam().edit(task);
  auto environment = Environment::Create(task);
  absl::Status status = environment.status();
  for (int episode = 0; status.ok() && episode < 20; ++episode) {
    status = (*environment)->Reset(1, 0, episode);
  }
  EXPECT_TRUE(absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Cases, BadTaskTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
