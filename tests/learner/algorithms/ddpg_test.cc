// What Ddpg promises about members, calls, checkpoints and broken input.
#include "learner/algorithms/ddpg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "learner/nn/initialize.h"
#include "tests/learner/algorithms/member_transitions.h"

namespace sr2l {
namespace {

using testing::HasSubstr;
using torch::Tensor;

constexpr int64_t kUpdates = 6;
const TransitionSize kSize = {16 * kUpdates, 3, 2};

std::vector<MemberOptions> Members() {
  return {{.seed = 1, .radius = 0.1, .coefficient = 1},
          {.seed = 2, .radius = 0.01, .coefficient = 10},
          {.seed = 3, .radius = 0.1, .coefficient = 0}};
}

std::optional<DdpgSmoothness> On(SmoothnessTarget target) {
  return DdpgSmoothness{target, {.steps = 4}};
}

DdpgState Row(const DdpgState& state, int64_t m) {
  return MapState(state, [m](const Tensor& tensor) { return tensor.narrow(0, m, 1); });
}

bool EqualState(const DdpgState& a, DdpgState b) {
  bool equal = true;
  ForEachPair(a, b,
              [&equal](const Tensor& x, const Tensor& y) { equal = equal && torch::equal(x, y); });
  return equal;
}

TransitionBlock Updates(const TransitionBlock& block, int64_t first, int64_t count) {
  return MapBlock(block, [=](const Tensor& rows) {
    return rows.narrow(1, 16 * first, 16 * count).contiguous();
  });
}

TransitionBlock MemberOf(const TransitionBlock& block, int64_t m) {
  return MapBlock(block, [m](const Tensor& rows) { return rows.narrow(0, m, 1); });
}

class DdpgTest : public testing::TestWithParam<std::optional<DdpgSmoothness>> {
 protected:
  Ddpg Make(const std::vector<MemberOptions>& members) const {
    return Ddpg(SmallDdpgOptions(), GetParam(), members, torch::kCPU);
  }

  const TransitionBlock block_ = Transitions(kSize, {0, 1, 2}, 0);
};

TEST_P(DdpgTest, AMemberHasTheSameBitsAloneAndAmongOthers) {
  Ddpg all = Make(Members());
  const DdpgStats stats = all.Update(0, block_);
  for (int64_t m = 0; m < 3; ++m) {
    Ddpg alone = Make({Members()[m]});
    const DdpgStats own = alone.Update(0, MemberOf(block_, m));
    EXPECT_TRUE(EqualState(Row(all.state(), m), alone.state()));
    EXPECT_EQ(stats.critic_loss[m].item<double>(), own.critic_loss[0].item<double>());
  }
}

TEST_P(DdpgTest, AnyDivisionIntoCallsGivesTheSameBits) {
  Ddpg at_once = Make(Members());
  at_once.Update(0, block_);
  Ddpg divided = Make(Members());
  divided.Update(0, Updates(block_, 0, 1));
  divided.Update(
      1, Updates(MapBlock(block_, [](const Tensor& rows) { return rows.narrow(0, 1, 2); }), 1, 3));
  divided.Update(0, Updates(MemberOf(block_, 0), 1, 2));
  divided.Update(0, Updates(MemberOf(block_, 0), 3, 3));
  divided.Update(2, Updates(MemberOf(block_, 2), 4, 2));
  divided.Update(1, Updates(MemberOf(block_, 1), 4, 2));
  EXPECT_TRUE(EqualState(at_once.state(), divided.state()));
  for (int64_t m = 0; m < 3; ++m) EXPECT_EQ(divided.updates(m), 6u);
}

TEST_P(DdpgTest, ARestoredStateGoesOnToTheSameBits) {
  Ddpg first = Make(Members());
  first.Update(0, Updates(block_, 0, 2));
  Ddpg second = Make(Members());
  second.Restore(first.state());
  first.Update(0, Updates(block_, 2, 4));
  second.Update(0, Updates(block_, 2, 4));
  EXPECT_TRUE(EqualState(first.state(), second.state()));
  EXPECT_EQ(second.updates(1), 6u);
  EXPECT_THROW(second.Restore(Row(first.state(), 0)), std::invalid_argument);
  EXPECT_THROW(second.Restore({}), std::invalid_argument);
}

TEST_P(DdpgTest, AStateIsACopy) {
  Ddpg ddpg = Make(Members());
  const DdpgState before = ddpg.state();
  const DdpgState same = MapState(before, [](const Tensor& tensor) { return tensor.clone(); });
  ddpg.Update(0, block_);
  EXPECT_TRUE(EqualState(before, same));
  EXPECT_FALSE(EqualState(ddpg.state(), same));
}

TEST_P(DdpgTest, KeptMembersGoOnToTheSameBits) {
  Ddpg all = Make(Members());
  Ddpg kept = Make(Members());
  all.Update(0, Updates(block_, 0, 2));
  kept.Update(0, Updates(block_, 0, 2));
  kept.Keep({2, 0});
  all.Update(0, Updates(block_, 2, 4));
  kept.Update(0, Updates(Transitions(kSize, {2, 0}, 0), 2, 4));
  EXPECT_TRUE(EqualState(Row(kept.state(), 0), Row(all.state(), 2)));
  EXPECT_TRUE(EqualState(Row(kept.state(), 1), Row(all.state(), 0)));
  EXPECT_EQ(kept.members()[0].seed, 3u);
  EXPECT_THROW(kept.Keep({2}), std::invalid_argument);
  EXPECT_THROW(kept.Keep({}), std::invalid_argument);
}

TEST_P(DdpgTest, AMemberThatIsNotFiniteIsPutBackAndNamedAndOthersGoOn) {
  Ddpg healthy = Make(Members());
  Ddpg broken = Make(Members());
  healthy.Update(0, Updates(block_, 0, 2));
  broken.Update(0, Updates(block_, 0, 2));
  const DdpgState before = broken.state();
  TransitionBlock block = Updates(block_, 2, 4);
  healthy.Update(0, block);
  block.rewards[1][40] = std::numeric_limits<float>::quiet_NaN();
  const DdpgStats stats = broken.Update(0, block);
  EXPECT_EQ(stats.failure[0] + stats.failure[2], "");
  EXPECT_EQ(stats.failure[1], "rewards are not finite");
  EXPECT_TRUE(EqualState(Row(broken.state(), 1), Row(before, 1)));
  EXPECT_TRUE(EqualState(Row(broken.state(), 0), Row(healthy.state(), 0)));
  EXPECT_TRUE(EqualState(Row(broken.state(), 2), Row(healthy.state(), 2)));
  EXPECT_EQ(broken.updates(1), 2u);
  EXPECT_EQ(broken.updates(2), 6u);
}

TEST_P(DdpgTest, ParametersThatOverflowAreNamed) {
  Ddpg ddpg = Make({Members()[0]});
  TransitionBlock block = MemberOf(block_, 0);
  block.rewards = 1e30 * block.rewards;  // finite, but not its square
  const DdpgState before = ddpg.state();
  const DdpgStats stats = ddpg.Update(0, block);
  EXPECT_THAT(stats.failure[0], HasSubstr("are not finite"));
  EXPECT_TRUE(EqualState(ddpg.state(), before));
}

std::string VariantName(const testing::TestParamInfo<std::optional<DdpgSmoothness>>& info) {
  const std::vector<std::string> names = {"Ddpg", "DdpgSrA", "DdpgSrC"};
  return names[info.index];
}

INSTANTIATE_TEST_SUITE_P(Variants, DdpgTest,
                         testing::Values(std::nullopt, On(SmoothnessTarget::kPolicy),
                                         On(SmoothnessTarget::kCritic)),
                         VariantName);

TEST(DdpgLimitTest, ACoefficientOfZeroIsDdpgBitForBitInBothVariants) {
  const TransitionBlock block = Transitions(kSize, {0}, 0);
  const std::vector<MemberOptions> members = {{.seed = 9, .radius = 0.1, .coefficient = 0}};
  Ddpg plain(SmallDdpgOptions(), std::nullopt, members, torch::kCPU);
  plain.Update(0, block);
  for (const auto target : {SmoothnessTarget::kPolicy, SmoothnessTarget::kCritic}) {
    Ddpg smooth(SmallDdpgOptions(), On(target), members, torch::kCPU);
    const DdpgStats stats = smooth.Update(0, block);
    EXPECT_TRUE(EqualState(plain.state(), smooth.state()));
    EXPECT_GT(stats.nonsmoothness[0].item<double>(), 0);
    EXPECT_GT(stats.perturbation_gain[0].item<double>(), 1);
  }
}

// A zero that stands beside a regularized member must add nothing there either.
TEST(DdpgLimitTest, ACoefficientOfZeroInABatchByOperatorsIsDdpg) {
  const torch::NoGradGuard no_gradient;
  const TransitionBlock block = Transitions(kSize, {0, 1}, 0);
  const std::vector<MemberOptions> members = {{.seed = 9, .radius = 0.1, .coefficient = 0},
                                              {.seed = 8, .radius = 0.1, .coefficient = 1}};
  const MlpPlacement operators = {torch::kCPU, torch::kFloat32, MlpBackend::kTorch};
  const auto update = [&](const std::optional<DdpgSmoothness>& smoothness) {
    DdpgState state = Ddpg(SmallDdpgOptions(), smoothness, members, torch::kCPU).state();
    DdpgUpdate(SmallDdpgOptions(), smoothness, 2, operators).Update(block, 0, members, state);
    return state;
  };
  const DdpgState plain = update(std::nullopt);
  for (const auto target : {SmoothnessTarget::kPolicy, SmoothnessTarget::kCritic}) {
    const DdpgState smooth = update(On(target));
    EXPECT_TRUE(torch::equal(plain.actor[0], smooth.actor[0]));
    EXPECT_TRUE(torch::equal(plain.critic[0], smooth.critic[0]));
    EXPECT_FALSE(torch::equal(plain.actor[1], smooth.actor[1]));
  }
}

TEST(DdpgLimitTest, ALargerCoefficientGivesASmootherNetwork) {
  for (const auto target : {SmoothnessTarget::kPolicy, SmoothnessTarget::kCritic}) {
    DdpgOptions options = SmallDdpgOptions();
    options.actor_learning_rate = 1e-3;
    Ddpg ddpg(options, On(target),
              {{.seed = 1, .radius = 0.1, .coefficient = 0},
               {.seed = 1, .radius = 0.1, .coefficient = 100}},
              torch::kCPU);
    DdpgStats stats;
    for (uint64_t i = 0; i < 80; ++i) stats = ddpg.Update(0, Transitions(kSize, {i, i}, i));
    EXPECT_LT(stats.nonsmoothness[1].item<double>(), 0.5 * stats.nonsmoothness[0].item<double>());
    EXPECT_LT(stats.local_lipschitz[1].item<double>(),
              0.8 * stats.local_lipschitz[0].item<double>());
  }
}

// Terminated: the target knows nothing of what came next. Truncated: it does.
TEST(DdpgTargetTest, OnlyTerminationCutsTheValueUnlessAskedOtherwise) {
  const auto update = [](bool terminate_at_truncation, TransitionBlock block) {
    DdpgOptions options = SmallDdpgOptions();
    options.terminate_at_truncation = terminate_at_truncation;
    Ddpg ddpg(options, std::nullopt, {{.seed = 4}}, torch::kCPU);
    ddpg.Update(0, block);
    return ddpg.state();
  };
  TransitionBlock running = Transitions(kSize, {0}, 0);
  running.terminated.zero_();
  running.truncated.zero_();
  TransitionBlock elsewhere = running;
  elsewhere.next_observations = 3 * torch::randn_like(running.next_observations);
  const auto ended = [](TransitionBlock block, Tensor TransitionBlock::*flag) {
    block.*flag = torch::ones_like(block.*flag);
    return block;
  };
  const auto terminated = &TransitionBlock::terminated;
  const auto truncated = &TransitionBlock::truncated;
  EXPECT_FALSE(EqualState(update(false, running), update(false, elsewhere)));
  EXPECT_TRUE(EqualState(update(false, ended(running, terminated)),
                         update(false, ended(elsewhere, terminated))));
  EXPECT_TRUE(EqualState(update(false, running), update(false, ended(running, truncated))));
  EXPECT_TRUE(EqualState(update(true, ended(running, truncated)),
                         update(true, ended(running, terminated))));
}

TEST(DdpgStartTest, TargetsEqualTheOnlineNetworksAndSeedsDecideAlone) {
  const DdpgOptions options = SmallDdpgOptions();
  const DdpgState state = Ddpg(options, std::nullopt, Members(), torch::kCPU).state();
  EXPECT_TRUE(torch::equal(state.actor, state.target_actor));
  EXPECT_TRUE(torch::equal(state.critic, state.target_critic));
  EXPECT_TRUE(
      torch::equal(state.actor, XavierNormal(options.actor, {1, 2, 3}, Purpose::kPolicyInit)));
  EXPECT_TRUE(
      torch::equal(state.critic, XavierNormal(options.critic, {1, 2, 3}, Purpose::kCriticInit)));
  EXPECT_EQ(state.critic_adam.second.abs().sum().item<float>(), 0);
}

TEST(DdpgConstructionTest, RefusesOptionsNamingThem) {
  const auto expect = [](const std::string& name, const std::function<void(DdpgOptions&)>& spoil) {
    DdpgOptions options = SmallDdpgOptions();
    spoil(options);
    try {
      Ddpg ddpg(options, std::nullopt, {{.seed = 1}}, torch::kCPU);
      ADD_FAILURE() << name << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  };
  expect("discount", [](DdpgOptions& o) { o.discount = 1.5; });
  expect("actor_learning_rate", [](DdpgOptions& o) { o.actor_learning_rate = 0; });
  expect("critic_learning_rate", [](DdpgOptions& o) { o.critic_learning_rate = NAN; });
  expect("target_update_rate", [](DdpgOptions& o) { o.target_update_rate = 0; });
  expect("batch_size", [](DdpgOptions& o) { o.batch_size = 0; });
  expect("width", [](DdpgOptions& o) { o.actor.hidden = {0}; });
  expect("critic.inputs", [](DdpgOptions& o) { o.critic.inputs = 4; });
  expect("critic.outputs", [](DdpgOptions& o) { o.critic.outputs = 2; });
}

TEST(DdpgConstructionTest, RefusesMembersAndRegularizersNamingTheOption) {
  const auto expect = [](const std::string& name, const std::vector<MemberOptions>& members,
                         const SmoothnessOptions& smoothness) {
    try {
      Ddpg ddpg(SmallDdpgOptions(), DdpgSmoothness{SmoothnessTarget::kCritic, smoothness}, members,
                torch::kCPU);
      ADD_FAILURE() << name << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  };
  expect("members", {}, {});
  expect("coefficient", {{.coefficient = -1}}, {});
  expect("radius", {{.radius = 0}}, {});
  expect("steps", {{.seed = 1}}, {.steps = -1});
  expect("step_size", {{.seed = 1}}, {.step_size = 0});
  expect("discount_weighting", {{.seed = 1}}, {.discount_weighting = true});
}

TEST(DdpgBlockTest, RefusesABlockThatDoesNotFitNamingTheTensor) {
  Ddpg ddpg(SmallDdpgOptions(), std::nullopt, {{.seed = 1}, {.seed = 2}}, torch::kCPU);
  const auto expect = [&](const std::string& name, int64_t first,
                          const std::function<void(TransitionBlock&)>& spoil) {
    TransitionBlock block = Transitions(kSize, {0}, 0);
    spoil(block);
    try {
      ddpg.Update(first, block);
      ADD_FAILURE() << name << " was accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(name));
    }
  };
  const int64_t count = kSize.count;
  expect("observations", 0, [=](TransitionBlock& b) {
    b.observations = torch::zeros({1, count, 4});
  });
  expect("next_observations", 0, [](TransitionBlock& b) { b.next_observations = b.actions; });
  expect("actions", 0, [](TransitionBlock& b) { b.actions = b.actions.to(torch::kFloat64); });
  expect("rewards", 0, [](TransitionBlock& b) { b.rewards = torch::zeros({1, 17}); });
  expect("rewards", 0, [](TransitionBlock& b) { b.rewards = torch::zeros({1, 0}); });
  expect("terminated", 0, [](TransitionBlock& b) { b.terminated = torch::zeros({1, 16}); });
  expect("truncated", 0, [=](TransitionBlock& b) {
    b.truncated = torch::zeros({1, 2 * count}).slice(1, 0, 2 * count, 2);
  });
  expect("members 2 to 2", 2, [](TransitionBlock&) {});
  expect("members -1 to -1", -1, [](TransitionBlock&) {});
  EXPECT_EQ(ddpg.updates(0), 0u);
}

}  // namespace
}  // namespace sr2l
