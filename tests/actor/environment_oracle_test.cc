// Observations and rewards of the built-in tasks against a second simulation that is
// stepped here, with every formula spelled out from raw qpos, qvel, xpos and cfrc_ext.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "actor/environment/environment.h"
#include "common/random/philox.h"
#include "common/task/builtin_tasks.h"

namespace sr2l {
namespace {

// The plain simulation after a step, with what the formulas need from before it.
struct Plain {
  const mjModel* model;
  mjData* d;
  std::vector<double> a;  // the action, clipped to [-1, 1]
  double x_before;        // qpos[0]
  double torso_x_before;  // xpos of body 1
};

struct Expected {
  std::vector<double> observation;
  double reward;
  bool terminated;
};

double SumOfSquares(const std::vector<double>& a) {
  double sum = 0;
  for (const double x : a) sum += x * x;
  return sum;
}

std::vector<double> Join(const double* qpos, int first, int nq, const double* qvel, int nv,
                         double clip) {
  std::vector<double> out(qpos + first, qpos + nq);
  for (int i = 0; i < nv; ++i) out.push_back(std::min(clip, std::max(-clip, qvel[i])));
  return out;
}

Expected Swimmer(const Plain& p) {
  return {Join(p.d->qpos, 2, 5, p.d->qvel, 5, INFINITY),
          (p.d->qpos[0] - p.x_before) / 0.04 - 1e-4 * SumOfSquares(p.a), false};
}

Expected HalfCheetah(const Plain& p) {
  return {Join(p.d->qpos, 1, 9, p.d->qvel, 9, INFINITY),
          (p.d->qpos[0] - p.x_before) / 0.05 - 0.1 * SumOfSquares(p.a), false};
}

Expected Hopper(const Plain& p) {
  bool healthy = p.d->qpos[1] > 0.7 && std::abs(p.d->qpos[2]) < 0.2;
  for (int i = 2; i < 6; ++i) healthy = healthy && std::abs(p.d->qpos[i]) < 100;
  for (int i = 0; i < 6; ++i) healthy = healthy && std::abs(p.d->qvel[i]) < 100;
  return {Join(p.d->qpos, 1, 6, p.d->qvel, 6, 10),
          (p.d->qpos[0] - p.x_before) / 0.008 + 1.0 - 1e-3 * SumOfSquares(p.a), !healthy};
}

Expected Walker2d(const Plain& p) {
  const bool healthy =
      p.d->qpos[1] > 0.8 && p.d->qpos[1] < 2.0 && p.d->qpos[2] > -1 && p.d->qpos[2] < 1;
  return {Join(p.d->qpos, 1, 9, p.d->qvel, 9, 10),
          (p.d->qpos[0] - p.x_before) / 0.008 + 1.0 - 1e-3 * SumOfSquares(p.a), !healthy};
}

Expected Ant(const Plain& p) {
  std::vector<double> observation = Join(p.d->qpos, 2, 15, p.d->qvel, 14, INFINITY);
  double contact = 0;
  for (int body = 0; body < 14; ++body) {
    for (int i = 0; i < 6; ++i) {
      const double force = std::min(1.0, std::max(-1.0, p.d->cfrc_ext[6 * body + i]));
      observation.push_back(force);
      contact += force * force;
    }
  }
  const double velocity = (p.d->xpos[3] - p.torso_x_before) / 0.05;
  return {observation, velocity - 0.5 * SumOfSquares(p.a) - 5e-4 * contact + 1.0,
          p.d->qpos[2] < 0.2 || p.d->qpos[2] > 1.0};
}

Expected InvertedPendulum(const Plain& p) {
  return {Join(p.d->qpos, 0, 2, p.d->qvel, 2, INFINITY), 1.0, std::abs(p.d->qpos[1]) > 0.2};
}

struct Case {
  std::string name;
  int frame_skip;
  double control_scale;
  Expected (*formulas)(const Plain&);
};

const Case kCases[] = {
    {"swimmer", 4, 1, Swimmer}, {"half_cheetah", 5, 1, HalfCheetah},
    {"hopper", 4, 1, Hopper},   {"walker2d", 4, 1, Walker2d},
    {"ant", 5, 1, Ant},         {"inverted_pendulum", 2, 3, InvertedPendulum},
};

class EnvironmentOracleTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto task = BuiltinTask(GetParam().name);
    ASSERT_TRUE(task.ok()) << task.status();
    auto environment = Environment::Create(*task);
    ASSERT_TRUE(environment.ok()) << environment.status();
    environment_ = *std::move(environment);
    const std::string path =
        std::string(std::getenv("SR2L_SOURCE")) + "/actor/models/" + GetParam().name + ".xml";
    char error[1000] = "";
    plain_.model = model_ = mj_loadXML(path.c_str(), nullptr, error, sizeof(error));
    ASSERT_NE(model_, nullptr) << error;
    plain_.d = mj_makeData(model_);
    plain_.a.resize(model_->nu);
  }
  void TearDown() override {
    mj_deleteData(plain_.d);
    mj_deleteModel(model_);
  }

  // Starts both at the state that the environment drew.
  void Reset(uint64_t episode) {
    ASSERT_TRUE(environment_->Reset(/*seed=*/5, /*stream=*/0, episode).ok());
    mj_resetData(model_, plain_.d);
    std::copy_n(environment_->simulation().qpos, model_->nq, plain_.d->qpos);
    std::copy_n(environment_->simulation().qvel, model_->nv, plain_.d->qvel);
    mj_forward(model_, plain_.d);
    mj_rnePostConstraint(model_, plain_.d);
  }

  void StepPlain(const std::vector<float>& action) {
    plain_.x_before = plain_.d->qpos[0];
    plain_.torso_x_before = plain_.d->xpos[3];
    for (int i = 0; i < model_->nu; ++i) {
      plain_.a[i] = std::min(1.0f, std::max(-1.0f, action[i]));
      plain_.d->ctrl[i] = GetParam().control_scale * plain_.a[i];
    }
    for (int i = 0; i < GetParam().frame_skip; ++i) mj_step(model_, plain_.d);
    mj_rnePostConstraint(model_, plain_.d);
  }

  std::unique_ptr<Environment> environment_;
  mjModel* model_ = nullptr;
  Plain plain_;
};

// The two simulations do the same arithmetic, so observations agree to the last bit; the
// rewards' terms are added in another order.
TEST_P(EnvironmentOracleTest, StepsAgreeWithTheFormulas) {
  const Philox random(/*seed=*/17, Purpose::kExploration);
  std::vector<float> action(model_->nu);
  int episodes = 0;
  Reset(0);
  for (int step = 0; step < 1500; ++step) {
    // Wider than [-1, 1], so that clipping matters.
    for (int i = 0; i < model_->nu; ++i) {
      action[i] = static_cast<float>(random.Normal(step, static_cast<uint32_t>(i)));
    }
    const auto result = environment_->Step(action.data());
    ASSERT_TRUE(result.ok()) << result.status();
    StepPlain(action);
    const Expected expected = GetParam().formulas(plain_);
    ASSERT_THAT(environment_->observation(),
                testing::ElementsAreArray(
                    std::vector<float>(expected.observation.begin(), expected.observation.end())))
        << "step " << step;
    ASSERT_NEAR(result->reward, expected.reward, 1e-12 * (1 + std::abs(expected.reward)));
    ASSERT_EQ(result->terminated, expected.terminated);
    ASSERT_FALSE(result->diverged);
    if (result->terminated || result->truncated) Reset(++episodes);
  }
  EXPECT_GT(episodes, 0);
}

TEST_P(EnvironmentOracleTest, FirstObservationIsThatOfTheStart) {
  for (uint64_t episode = 0; episode < 20; ++episode) {
    Reset(episode);
    std::fill(plain_.a.begin(), plain_.a.end(), 0.0);
    const Expected expected = GetParam().formulas(plain_);
    EXPECT_THAT(environment_->observation(),
                testing::ElementsAreArray(
                    std::vector<float>(expected.observation.begin(), expected.observation.end())));
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, EnvironmentOracleTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
