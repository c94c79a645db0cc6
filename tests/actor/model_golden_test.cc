// The built-in robots, against the published figures of the benchmark tasks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

#include "actor/environment/environment.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

struct Golden {
  std::string name;
  double timestep;  // s
  int frame_skip;
  mjtIntegrator integrator;
  int nq, nv, nu, nbody;
  int observation_dim;
  double mass;  // kg
  std::vector<double> gears;
  double initial_height_index;  // of the coordinate that is not zero in qpos0, -1: none
  double initial_height;
};

const Golden kGoldens[] = {
    {"swimmer", 0.01, 4, mjINT_RK4, 5, 5, 2, 4, 8, 106.81, {150, 150}, -1, 0},
    {"half_cheetah", 0.01, 5, mjINT_EULER, 9, 9, 6, 8, 17, 14, {120, 90, 60, 120, 60, 30}, -1, 0},
    {"hopper", 0.002, 4, mjINT_RK4, 6, 6, 3, 5, 11, 15.82, {200, 200, 200}, 1, 1.25},
    {"walker2d",
     0.002,
     4,
     mjINT_RK4,
     9,
     9,
     6,
     8,
     17,
     23.68,
     {100, 100, 100, 100, 100, 100},
     1,
     1.25},
    {"ant",
     0.01,
     5,
     mjINT_RK4,
     15,
     14,
     8,
     14,
     111,
     0.911,
     {150, 150, 150, 150, 150, 150, 150, 150},
     2,
     0.75},
    {"inverted_pendulum", 0.02, 2, mjINT_RK4, 2, 2, 1, 3, 4, 15.49, {100}, -1, 0},
};

class ModelGoldenTest : public testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    const auto task = BuiltinTask(GetParam().name);
    ASSERT_TRUE(task.ok()) << task.status();
    task_ = *task;
    auto environment = Environment::Create(task_);
    ASSERT_TRUE(environment.ok()) << environment.status();
    environment_ = *std::move(environment);
  }

  const mjModel& model() const { return environment_->model(); }

  v1::TaskConfig task_;
  std::unique_ptr<Environment> environment_;
};

TEST_P(ModelGoldenTest, SizesAreThoseOfTheBenchmark) {
  EXPECT_EQ(model().nq, GetParam().nq);
  EXPECT_EQ(model().nv, GetParam().nv);
  EXPECT_EQ(model().nu, GetParam().nu);
  EXPECT_EQ(model().nbody, GetParam().nbody);
  EXPECT_EQ(environment_->observation_dim(), GetParam().observation_dim);
  EXPECT_EQ(environment_->action_dim(), GetParam().nu);
}

TEST_P(ModelGoldenTest, TimeAndSolverAreThoseOfTheBenchmark) {
  EXPECT_EQ(model().opt.timestep, GetParam().timestep);
  EXPECT_EQ(model().opt.integrator, GetParam().integrator);
  EXPECT_EQ(model().opt.solver, mjSOL_NEWTON);
  EXPECT_EQ(model().opt.iterations, 100);
  EXPECT_EQ(model().opt.cone, mjCONE_PYRAMIDAL);
  EXPECT_EQ(model().opt.impratio, 1);
  EXPECT_EQ(task_.frame_skip(), GetParam().frame_skip);
  EXPECT_EQ(task_.step_limit(), 1000);
}

TEST_P(ModelGoldenTest, MassAndGearsAreThoseOfTheBenchmark) {
  // The published masses have four digits.
  const double mass = std::accumulate(model().body_mass, model().body_mass + model().nbody, 0.0);
  EXPECT_THAT(mass, DoubleNear(GetParam().mass, 5e-4 * GetParam().mass));
  std::vector<double> gears;
  for (int i = 0; i < model().nu; ++i) gears.push_back(model().actuator_gear[6 * i]);
  EXPECT_EQ(gears, GetParam().gears);
}

TEST_P(ModelGoldenTest, StartIsThatOfTheBenchmark) {
  for (int i = 0; i < model().nq; ++i) {
    double expected = i == GetParam().initial_height_index ? GetParam().initial_height : 0;
    if (GetParam().name == "ant" && i == 3) expected = 1;  // the unit quaternion
    EXPECT_EQ(model().qpos0[i], expected) << i;
  }
}

TEST_P(ModelGoldenTest, ControlsAreLimited) {
  const double limit = GetParam().name == "inverted_pendulum" ? 3 : 1;
  for (int i = 0; i < model().nu; ++i) {
    EXPECT_TRUE(model().actuator_ctrllimited[i]);
    EXPECT_THAT(std::vector<double>(model().actuator_ctrlrange + 2 * i,
                                    model().actuator_ctrlrange + 2 * i + 2),
                ElementsAre(-limit, limit));
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, ModelGoldenTest, testing::ValuesIn(kGoldens),
                         [](const auto& info) { return info.param.name; });

std::vector<double> BodyMasses(const std::string& name) {
  const auto environment = Environment::Create(*BuiltinTask(name));
  const mjModel& model = (*environment)->model();
  return std::vector<double>(model.body_mass + 1, model.body_mass + model.nbody);
}

// Masses of capsules from their geometry: density * (cylinder + sphere).
double Capsule(double radius, double half_length, double density = 1000) {
  return density * mjPI * radius * radius * (2 * half_length + 4.0 / 3 * radius);
}

TEST(BodyMassTest, HopperFollowsFromItsGeometry) {
  const auto near = [](double mass) { return DoubleNear(mass, 1e-9); };
  EXPECT_THAT(BodyMasses("hopper"),
              ElementsAre(near(Capsule(0.05, 0.2)), near(Capsule(0.05, 0.225)),
                          near(Capsule(0.04, 0.25)), near(Capsule(0.06, 0.195))));
}

TEST(BodyMassTest, WalkerFollowsFromItsGeometry) {
  const double thigh = Capsule(0.05, 0.225);
  const double leg = Capsule(0.04, 0.25);
  const double foot = Capsule(0.06, 0.1);
  const double expected[] = {Capsule(0.05, 0.2), thigh, leg, foot, thigh, leg, foot};
  EXPECT_THAT(BodyMasses("walker2d"), testing::Pointwise(DoubleNear(1e-9), expected));
}

TEST(BodyMassTest, SwimmerHasThreeEqualLinks) {
  const double link = Capsule(0.1, 0.5);
  EXPECT_THAT(BodyMasses("swimmer"), testing::Pointwise(DoubleNear(1e-9), {link, link, link}));
}

TEST(AntModelTest, ActuatorsFollowTheBenchmarksOrder) {
  const auto environment = Environment::Create(*BuiltinTask("ant"));
  const mjModel& model = (*environment)->model();
  // Joints are numbered root, then hip and ankle of legs 1 to 4; the motors drive leg 4
  // first.
  std::vector<int> joints;
  for (int i = 0; i < model.nu; ++i) joints.push_back(model.actuator_trnid[2 * i]);
  EXPECT_THAT(joints, ElementsAreArray({7, 8, 1, 2, 3, 4, 5, 6}));
}

TEST(WalkerModelTest, FeetDifferInFriction) {
  const auto environment = Environment::Create(*BuiltinTask("walker2d"));
  const mjModel& model = (*environment)->model();
  EXPECT_EQ(model.geom_friction[3 * mj_name2id(&model, mjOBJ_GEOM, "right_foot")], 0.9);
  EXPECT_EQ(model.geom_friction[3 * mj_name2id(&model, mjOBJ_GEOM, "left_foot")], 1.9);
}

TEST(WalkerModelTest, TaskReplacesAFriction) {
  v1::TaskConfig task = *BuiltinTask("walker2d");
  v1::GeomFriction& friction = *task.add_friction();
  friction.set_geom("right_foot");
  friction.set_sliding(1.9);
  const auto environment = Environment::Create(task);
  ASSERT_TRUE(environment.ok()) << environment.status();
  const mjModel& model = (*environment)->model();
  EXPECT_EQ(model.geom_friction[3 * mj_name2id(&model, mjOBJ_GEOM, "right_foot")], 1.9);
}

}  // namespace
}  // namespace sr2l
