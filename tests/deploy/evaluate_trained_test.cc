// sr2l evaluate on runs that the programs trained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "actor/environment/environment.h"
#include "actor/evaluation/adversary.h"
#include "common/task/builtin_tasks.h"
#include "tests/actor/evaluation_policies.h"
#include "tests/deploy/evaluation_csv.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

// Runs the programs; returns the run's folder.
std::string Train(const TemporaryFolder& folder, const std::string& experiment) {
  WriteFile(folder / "experiment.textproto", experiment);
  const ProgramResult result = RunProgram({Binary("sr2l"), "train", folder / "experiment.textproto",
                                           "--run", folder / "run", "--actors", "1"},
                                          absl::Minutes(5));
  EXPECT_EQ(result.exit_code, 0) << result.output << result.errors;
  return folder / "run";
}

// The states of an episode of the policy's means.
std::vector<std::vector<float>> VisitedStates(const v1::TaskConfig& task, const Policy& policy) {
  const auto environment = *Environment::Create(task);
  EXPECT_TRUE(environment->Reset(/*seed=*/3, 0, 0).ok());
  std::vector<std::vector<float>> states;
  std::vector<float> action(static_cast<size_t>(policy.action_dim()));
  for (StepResult step; !step.terminated && !step.truncated;) {
    states.emplace_back(environment->observation());
    policy.Normalize(states.back().data(), states.back().data());
    policy.network().Forward(states.back().data(), 1, action.data());
    step = *environment->Step(action.data());
  }
  return states;
}

// Means over the states of D: where the ascent ends, and the best of 1000 uniform draws.
std::pair<double, double> AscentAndRandomSearch(const v1::PolicySnapshot& snapshot,
                                                const std::vector<std::vector<float>>& states,
                                                double radius) {
  const auto policy = MakePolicy(snapshot);
  Adversary adversary(*policy, Adversary::Objective::kDivergence);
  std::vector<double> unit(states.front().size());
  std::vector<float> delta(unit.size());
  uint64_t index = 0;
  const auto draw = [&] {
    Philox(8, Purpose::kPerturbation)
        .FillUniform(index++, static_cast<uint32_t>(unit.size()), unit.data());
    PointInBall(unit, radius, delta.data());
  };
  double found = 0;
  double drawn = 0;
  for (const std::vector<float>& state : states) {
    draw();
    adversary.Maximize(state.data(), radius, delta.data());
    for (const float coordinate : delta) EXPECT_LE(std::fabs(double{coordinate}), radius);
    found += SlowDivergence(snapshot, state, delta);
    double best = 0;
    for (int i = 0; i < 1000; ++i) {
      draw();
      best = std::max(best, SlowDivergence(snapshot, state, delta));
    }
    drawn += best;
  }
  return {found / static_cast<double>(states.size()), drawn / static_cast<double>(states.size())};
}

struct Search {
  int member = 0;
  size_t states = 15;  // of an episode
  std::vector<double> radii = {0.001, 0.05};
};

void ExpectAdversaryBeatsRandomSearch(const std::string& run, const std::string& task_name,
                                      const Search& search) {
  v1::TrainedMember member;
  std::ifstream file(run + "/policies/member_00" + std::to_string(search.member) + ".member",
                     std::ios::binary);
  ASSERT_TRUE(member.ParseFromIstream(&file));
  const v1::TaskConfig task = *BuiltinTask(task_name);
  std::vector<std::vector<float>> states = VisitedStates(task, *MakePolicy(member.policy()));
  const size_t stride = std::max<size_t>(1, states.size() / search.states);
  for (size_t i = 0; i * stride < states.size(); ++i) states[i] = states[i * stride];
  states.resize((states.size() + stride - 1) / stride);
  for (const double radius : search.radii) {
    const auto [found, drawn] = AscentAndRandomSearch(member.policy(), states, radius);
    EXPECT_GE(found, drawn) << "member " << search.member << ", radius " << radius;
  }
}

TEST(EvaluateTrainedTest, TheAdversaryBeatsAThousandDrawsOnATrpoPolicy) {
  const TemporaryFolder folder;
  const std::string run = Train(folder, R"pb(
    task { builtin: "swimmer" }
    trpo { max_kl: 0.05 }
    observation_normalization {}
    rounds: 8
    steps_per_round: 1000
    keep_policy_every: 4
    members { seeds: [ 0, 1 ] }
  )pb");
  ExpectAdversaryBeatsRandomSearch(run, "swimmer", {});
  const auto rows = Parse(Csv(run, {"--policy", "4", "--episodes", "1", "--radius", "0.1"}));
  ASSERT_EQ(rows.size(), 6u);
  for (const Row& row : rows) EXPECT_EQ(row.at("policy_version"), "4");
  EXPECT_GT(std::stod(rows[2].at("divergence_gain")), 1);
}

TEST(EvaluateTrainedTest, TheAdversaryBeatsAThousandDrawsOnADdpgPolicy) {
  const TemporaryFolder folder;
  const std::string run = Train(folder, R"pb(
    task { builtin: "hopper" }
    ddpg { first_update: 500 }
    rounds: 3
    steps_per_round: 500
  )pb");
  ExpectAdversaryBeatsRandomSearch(run, "hopper", {});
  const auto rows = Parse(Csv(run, {"--episodes", "2", "--disturbance", "adversarial"}));
  ASSERT_EQ(rows.size(), 4u);
  for (const Row& row : rows) EXPECT_EQ(row.at("actions"), "mean");
}

// Actions of such policies saturate, so that the worst offset is far from any start.
TEST(EvaluateTrainedTest, TheAdversaryBeatsAThousandDrawsWhereActionsSaturate) {
  const TemporaryFolder folder;
  const std::string run = Train(folder, R"pb(
    task { builtin: "swimmer" }
    ddpg { first_update: 2000 }
    rounds: 8
    steps_per_round: 1000
    members { seeds: [ 0, 1, 2 ] }
  )pb");
  for (const int member : {0, 1, 2}) {
    ExpectAdversaryBeatsRandomSearch(
        run, "swimmer", {.member = member, .states = 60, .radii = {0.1, 0.2, 0.3, 0.5, 1}});
  }
}

}  // namespace
}  // namespace sr2l
