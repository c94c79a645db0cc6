#include "actor/environment/environment.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A weight on a rail, pushed with a force of `gear` N; 1 kg, no friction.
std::string RailModel(const std::string& gear) {
  return R"(<mujoco><option timestep="0.01" gravity="0 0 0"/><worldbody><body name="weight">
    <joint name="rail" type="slide" axis="1 0 0"/><geom name="ball" size="0.1" mass="1"/>
    </body></worldbody><actuator><motor joint="rail" gear=")" +
         gear + R"(" ctrllimited="true" ctrlrange="-2 6"/></actuator></mujoco>)";
}

v1::TaskConfig RailTask(const std::string& gear = "1") {
  v1::TaskConfig task;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      name: "rail" model: "rail.xml" observation_dim: 2 action_dim: 1 frame_skip: 3 step_limit: 5
      observation { quantity: QPOS } observation { quantity: QVEL }
      reward { forward_velocity { qpos_index: 0 } })",
                                                            &task));
  v1::ModelFile& file = *task.add_files();
  file.set_name("rail.xml");
  file.set_content(RailModel(gear));
  return task;
}

std::unique_ptr<Environment> Make(const v1::TaskConfig& task) {
  auto environment = Environment::Create(task);
  EXPECT_TRUE(environment.ok()) << environment.status();
  return *std::move(environment);
}

StepResult Step(Environment& environment, const std::vector<float>& action) {
  const auto result = environment.Step(action.data());
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(StepResult{});
}

// ---- Actions ------------------------------------------------------------------------

TEST(EnvironmentTest, ActionIsClippedAndMappedToTheActuatorsRange) {
  const auto environment = Make(RailTask());
  const float infinity = std::numeric_limits<float>::infinity();
  const std::pair<float, double> cases[] = {{-1, -2}, {-5, -2}, {0, 2},       {0.5f, 4},
                                            {1, 6},   {9, 6},   {infinity, 6}};
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  for (const auto& [action, control] : cases) {
    ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
    Step(*environment, {action});
    EXPECT_EQ(environment->simulation().ctrl[0], control) << action;
  }
}

TEST(EnvironmentTest, ActionRangeOfTheTaskReplacesTheModels) {
  v1::TaskConfig task = RailTask();
  task.mutable_action_range()->set_low(-1);
  task.mutable_action_range()->set_high(0);
  const auto environment = Make(task);
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  Step(*environment, {1});
  EXPECT_EQ(environment->simulation().ctrl[0], 0);
}

TEST(EnvironmentTest, PendulumsActionOfOnePushesWithThree) {
  const auto environment = Make(*BuiltinTask("inverted_pendulum"));
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  Step(*environment, {1});
  EXPECT_EQ(environment->simulation().ctrl[0], 3);
}

TEST(EnvironmentTest, ControlCostIsOnTheAppliedControl) {
  v1::TaskConfig task = RailTask();
  task.clear_reward();
  task.add_reward()->mutable_control_cost()->set_weight(0.5);
  const auto environment = Make(task);
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  EXPECT_EQ(Step(*environment, {20}).reward, -0.5 * 36);
}

// ---- Episodes -----------------------------------------------------------------------

// 1 kg under 2 N for 3 x 0.01 s, by semi-implicit Euler: v = 2t, and positions summed.
TEST(EnvironmentTest, ForwardVelocityIsTheDifferenceOverTheStep) {
  const auto environment = Make(RailTask());
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  const StepResult result = Step(*environment, {0});
  EXPECT_NEAR(result.reward, 2 * 0.01 * (1 + 2 + 3) / 3, 1e-12);
}

TEST(EnvironmentTest, EpisodeIsTruncatedAtTheStepLimit) {
  const auto environment = Make(RailTask());
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  for (uint32_t step = 1; step <= 5; ++step) {
    const StepResult result = Step(*environment, {0});
    EXPECT_EQ(result.truncated, step == 5);
    EXPECT_FALSE(result.terminated);
    EXPECT_EQ(environment->episode_step(), step);
  }
}

TEST(EnvironmentTest, TerminationAtTheStepLimitIsNotTruncation) {
  v1::TaskConfig task = RailTask();
  task.set_step_limit(1);
  v1::HealthCondition& health = *task.add_health();
  health.set_quantity(v1::QVEL);
  health.set_high(0.01);
  const auto environment = Make(task);
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  const StepResult result = Step(*environment, {0});
  EXPECT_TRUE(result.terminated);
  EXPECT_FALSE(result.truncated);
}

TEST(EnvironmentTest, BoundsAreHealthyOnlyWhenClosed) {
  for (const bool closed : {false, true}) {
    v1::TaskConfig task = RailTask();
    v1::HealthCondition& health = *task.add_health();
    health.set_quantity(v1::QPOS);
    health.set_low(0);
    health.set_closed(closed);
    const auto environment = Make(task);
    ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
    // A control of zero leaves the weight at exactly 0.
    EXPECT_EQ(Step(*environment, {-0.5f}).terminated, !closed);
  }
}

TEST(EnvironmentTest, AliveBonusOnTerminationIsAChoice) {
  for (const bool alive : {false, true}) {
    v1::TaskConfig task = *BuiltinTask("inverted_pendulum");
    task.set_alive_on_termination(alive);
    const auto environment = Make(task);
    ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
    StepResult result = Step(*environment, {1});
    while (!result.terminated) {
      EXPECT_EQ(result.reward, 1);
      result = Step(*environment, {1});
    }
    EXPECT_EQ(result.reward, alive ? 1 : 0);
  }
}

// ---- Contact forces -----------------------------------------------------------------

TEST(EnvironmentTest, AntFeelsTheGroundOnlyWithLiveForces) {
  for (const v1::ContactForces forces : {v1::LIVE, v1::ZERO, v1::OFF}) {
    v1::TaskConfig task = *BuiltinTask("ant");
    task.set_contact_forces(forces);
    if (forces == v1::OFF) task.set_observation_dim(27);
    const auto environment = Make(task);
    ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
    double largest = 0;
    for (int step = 0; step < 50; ++step) {
      Step(*environment, std::vector<float>(8, 0.0f));
      const std::vector<float>& observation = environment->observation();
      for (size_t i = 27; i < observation.size(); ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(observation[i])));
      }
    }
    EXPECT_EQ(largest, forces == v1::LIVE ? 1 : 0);
  }
}

// ---- Other observations and positions -----------------------------------------------

TEST(EnvironmentTest, SineAndCosineOfCoordinatesAreObserved) {
  v1::TaskConfig task = RailTask();
  task.mutable_observation(0)->set_quantity(v1::SIN_QPOS);
  task.mutable_observation(1)->set_quantity(v1::COS_QPOS);
  task.mutable_reset()->mutable_qpos()->set_scale(3);
  const auto environment = Make(task);
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  const double q = environment->simulation().qpos[0];
  EXPECT_THAT(environment->observation(),
              ElementsAre(static_cast<float>(std::sin(q)), static_cast<float>(std::cos(q))));
}

TEST(EnvironmentTest, CentreOfMassOfOneBodyIsThatBody) {
  v1::TaskConfig by_body = RailTask();
  by_body.mutable_reward(0)->mutable_forward_velocity()->set_body("weight");
  v1::TaskConfig by_centre = RailTask();
  by_centre.mutable_reward(0)->mutable_forward_velocity()->set_centre_of_mass(true);
  const auto first = Make(by_body);
  const auto second = Make(by_centre);
  ASSERT_TRUE(first->Reset(1, 0, 0).ok());
  ASSERT_TRUE(second->Reset(1, 0, 0).ok());
  for (int step = 0; step < 5; ++step) {
    EXPECT_EQ(Step(*first, {1}).reward, Step(*second, {1}).reward);
  }
}

// ---- Reset --------------------------------------------------------------------------

TEST(ResetTest, NoiseHasTheTasksDistribution) {
  const auto environment = Make(*BuiltinTask("half_cheetah"));
  constexpr int kEpisodes = 2000;
  double largest_position = 0;
  double sum_of_squares = 0;
  double fourth_powers = 0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    ASSERT_TRUE(environment->Reset(1, 0, episode).ok());
    for (int i = 0; i < 9; ++i) {
      largest_position = std::max(largest_position, std::abs(environment->simulation().qpos[i]));
      const double v = environment->simulation().qvel[i] / 0.1;
      sum_of_squares += v * v / (9 * kEpisodes);
      fourth_powers += v * v * v * v / (9 * kEpisodes);
    }
  }
  EXPECT_LE(largest_position, 0.1);
  EXPECT_GT(largest_position, 0.0999);
  // Moments of the standard normal, 1 and 3, within four standard errors.
  EXPECT_NEAR(sum_of_squares, 1, 4 * std::sqrt(2.0 / (9 * kEpisodes)));
  EXPECT_NEAR(fourth_powers, 3, 4 * std::sqrt(96.0 / (9 * kEpisodes)));
}

// Uniform and normal numbers of one block of random words depend on each other through
// the size of the normal one.
TEST(ResetTest, PositionAndVelocityNoiseAreIndependent) {
  const auto environment = Make(*BuiltinTask("half_cheetah"));
  constexpr int kEpisodes = 4000;
  std::vector<double> correlation(81);
  for (int episode = 0; episode < kEpisodes; ++episode) {
    ASSERT_TRUE(environment->Reset(1, 0, episode).ok());
    for (int i = 0; i < 81; ++i) {
      const double q = environment->simulation().qpos[i / 9] / (0.1 / std::sqrt(3.0));
      const double v = environment->simulation().qvel[i % 9] / 0.1;
      correlation[i] += q * (v * v - 1) / std::sqrt(2.0) / kEpisodes;
    }
  }
  EXPECT_THAT(correlation, Each(testing::DoubleNear(0, 4.5 / std::sqrt(kEpisodes))));
}

TEST(ResetTest, StartDependsOnSeedStreamAndEpisodeAlone) {
  const auto a = Make(*BuiltinTask("ant"));
  const auto b = Make(*BuiltinTask("ant"));
  ASSERT_TRUE(a->Reset(7, 2, 9).ok());
  for (int step = 0; step < 20; ++step) Step(*b, std::vector<float>(8, 0.5f));
  ASSERT_TRUE(b->Reset(7, 2, 9).ok());
  EXPECT_EQ(a->observation(), b->observation());
  for (const auto& [seed, stream, episode] :
       {std::tuple<uint64_t, uint32_t, uint64_t>{8, 2, 9}, {7, 3, 9}, {7, 2, 10}}) {
    ASSERT_TRUE(b->Reset(seed, stream, episode).ok());
    EXPECT_NE(a->observation(), b->observation());
  }
}

TEST(ResetTest, AntsOrientationIsAUnitQuaternion) {
  const auto environment = Make(*BuiltinTask("ant"));
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  double norm = 0;
  for (int i = 1; i < 5; ++i) {
    norm += environment->observation()[i] * environment->observation()[i];
  }
  EXPECT_NEAR(norm, 1, 1e-6);
}

// ---- Divergence ---------------------------------------------------------------------

TEST(DivergenceTest, ExplosionTerminatesWithFiniteNumbers) {
  const auto environment = Make(RailTask(/*gear=*/"1e11"));
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  const std::vector<float> before = environment->observation();
  const StepResult result = Step(*environment, {1});
  EXPECT_TRUE(result.diverged);
  EXPECT_TRUE(result.terminated);
  EXPECT_FALSE(result.truncated);
  EXPECT_EQ(result.reward, 0);
  EXPECT_EQ(environment->observation(), before);
}

TEST(DivergenceTest, ExplodedEnvironmentGoesOnAfterReset) {
  const auto exploded = Make(RailTask("1e11"));
  ASSERT_TRUE(exploded->Reset(1, 0, 0).ok());
  ASSERT_TRUE(Step(*exploded, {1}).diverged);
  ASSERT_TRUE(exploded->Reset(1, 0, 1).ok());
  EXPECT_EQ(exploded->episode_step(), 0u);
  // A control of zero does nothing, whatever the gear.
  EXPECT_FALSE(Step(*exploded, {-0.5f}).diverged);
}

TEST(DivergenceTest, ActionThatIsNotANumberTerminates) {
  const auto environment = Make(RailTask());
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  const StepResult result = Step(*environment, {std::nanf("")});
  EXPECT_TRUE(result.diverged);
  EXPECT_TRUE(result.terminated);
}

TEST(DivergenceTest, RewardBeyondFloatTerminates) {
  v1::TaskConfig task = RailTask();
  task.mutable_reward(0)->mutable_forward_velocity()->set_weight(1e300);
  const auto environment = Make(task);
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  EXPECT_TRUE(Step(*environment, {1}).diverged);
}

TEST(DivergenceTest, WarningsAreCountedNotPrinted) {
  const uint64_t before = MujocoWarnings();
  const auto environment = Make(RailTask("1e11"));
  ASSERT_TRUE(environment->Reset(1, 0, 0).ok());
  Step(*environment, {1});
  EXPECT_GT(MujocoWarnings(), before);
}

// ---- MuJoCo's fatal errors ----------------------------------------------------------

TEST(CallMujocoTest, FatalErrorBecomesAStatus) {
  const absl::Status status = CallMujoco([] { mju_error("no memory for a thing"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no memory for a thing"));
}

TEST(CallMujocoTest, OuterCallSurvivesAnInnerFailure) {
  absl::Status inner;
  const absl::Status outer = CallMujoco([&inner] {
    inner.Update(CallMujoco([] { mju_error("inner"); }));
    mju_error("outer");
  });
  EXPECT_THAT(std::string(inner.message()), HasSubstr("inner"));
  EXPECT_THAT(std::string(outer.message()), HasSubstr("outer"));
}

TEST(CallMujocoDeathTest, UnguardedFatalErrorIsLogged) {
  ASSERT_TRUE(CallMujoco([] {}).ok());
  EXPECT_DEATH(mju_error("unguarded trouble"), "");
}

}  // namespace
}  // namespace sr2l
