// What Trpo promises about bits, failures and members.
#include "learner/algorithms/trpo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/learner/algorithms/member_rounds.h"

namespace sr2l {
namespace {

using testing::HasSubstr;
using torch::Tensor;

struct Case {
  std::string name;
  RoundSize size;
  TrpoOptions options;
  SmoothnessOptions smoothness;
};

std::vector<Case> Cases() {
  Case usual = {"ValueNetwork", {1, 200, 17, 6}, {}, {}};
  usual.options.policy = {.inputs = 17, .hidden = {64, 64}, .outputs = 6};
  Case odd = {"OddSizes", {3, 37, 5, 1}, {}, {.norm = BallNorm::kL2, .detach_sigma = false}};
  odd.options.policy = {
      .inputs = 5, .hidden = {7, 13}, .outputs = 1, .activation = Activation::kRelu};
  odd.options.baseline = ValueNetworkOptions{.hidden = {9}, .epochs = 3, .minibatch_size = 10};
  Case linear = {"LinearBaseline", {2, 101, 11, 3}, {}, {.gradient = GradientKind::kL2, .discount_weighting = true}};
  linear.options.policy = {.inputs = 11, .hidden = {32}, .outputs = 3};
  linear.options.baseline = LinearBaselineOptions{};
  linear.options.shared_sigma = true;
  linear.options.initial_sigma = 0.5;
  return {usual, odd, linear};
}

std::vector<MemberOptions> Members() {
  return {{.seed = 5, .radius = 0.01, .coefficient = 1},
          {.seed = 6, .radius = 0.2, .coefficient = 0},
          {.seed = 5, .radius = 1e-5, .coefficient = 100},
          {.seed = 7, .radius = 1, .coefficient = 0.1}};
}

std::string Name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

bool EqualState(const TrpoState& a, const TrpoState& b) {
  const auto equal = [](const Tensor& x, const Tensor& y) {
    return x.defined() == y.defined() && (!x.defined() || torch::equal(x, y));
  };
  return equal(a.policy, b.policy) && equal(a.baseline.parameters, b.baseline.parameters) &&
         equal(a.baseline.adam.first, b.baseline.adam.first) &&
         equal(a.baseline.adam.second, b.baseline.adam.second) &&
         equal(a.baseline.adam.steps, b.baseline.adam.steps);
}

// Row m of a state, as a state of one member.
TrpoState Row(const TrpoState& state, int64_t m) {
  const auto row = [m](const Tensor& x) { return x.defined() ? x.narrow(0, m, 1) : x; };
  return {row(state.policy),
          {row(state.baseline.parameters),
           {row(state.baseline.adam.first), row(state.baseline.adam.second),
            row(state.baseline.adam.steps)}}};
}

class TrpoTest : public testing::TestWithParam<Case> {
 protected:
  Trpo Make(const std::vector<MemberOptions>& members) const {
    return Trpo(GetParam().options, GetParam().smoothness, members, torch::kCPU);
  }
  RoundBatch MakeRound(const std::vector<uint64_t>& members, uint64_t round) const {
    return Round(GetParam().size, members, round);
  }
};

TEST_P(TrpoTest, AMemberHasTheSameBitsAloneAndBesideOthers) {
  const std::vector<MemberOptions> members = Members();
  Trpo together = Make(members);
  std::vector<Trpo> alone;
  for (const MemberOptions& member : members) alone.push_back(Make({member}));
  for (uint64_t round = 0; round < 6; ++round) {
    const TrpoStats stats = together.Update(MakeRound({0, 1, 2, 3}, round));
    for (uint64_t m = 0; m < members.size(); ++m) {
      const TrpoStats own = alone[m].Update(MakeRound({m}, round));
      EXPECT_EQ(own.failure[0], "");
      EXPECT_EQ(stats.failure[m], "");
      EXPECT_EQ(own.kl[0].item<double>(), stats.kl[m].item<double>());
      EXPECT_TRUE(EqualState(alone[m].state(), Row(together.state(), m))) << m;
    }
  }
  EXPECT_FALSE(torch::equal(together.policy_parameters()[0], together.policy_parameters()[2]));
}

TEST_P(TrpoTest, TheNumberOfThreadsChangesNoBit) {
  const std::vector<MemberOptions> members = Members();
  std::vector<TrpoState> states;
  const int before = torch::get_num_threads();
  for (const int threads : {1, 2, 5}) {
    torch::set_num_threads(threads);
    Trpo trpo = Make(members);
    for (uint64_t round = 0; round < 3; ++round) trpo.Update(MakeRound({0, 1, 2, 3}, round));
    states.push_back(trpo.state());
  }
  torch::set_num_threads(before);
  EXPECT_TRUE(EqualState(states[0], states[1]));
  EXPECT_TRUE(EqualState(states[0], states[2]));
}

TEST_P(TrpoTest, ACoefficientOfZeroHasTheBitsOfPlainTrpo) {
  Trpo plain(GetParam().options, std::nullopt, {{.seed = 5}}, torch::kCPU);
  Trpo zero = Make({{.seed = 5, .radius = 0.1, .coefficient = 0}});
  for (uint64_t round = 0; round < 6; ++round) {
    const TrpoStats plain_stats = plain.Update(MakeRound({0}, round));
    const TrpoStats zero_stats = zero.Update(MakeRound({0}, round));
    EXPECT_TRUE(EqualState(plain.state(), zero.state()));
    EXPECT_EQ(plain_stats.kl[0].item<double>(), zero_stats.kl[0].item<double>());
    // The perturbation is computed all the same; without smoothness there is none.
    EXPECT_GT(zero_stats.nonsmoothness[0].item<double>(), 0);
    EXPECT_TRUE(std::isnan(plain_stats.nonsmoothness[0].item<double>()));
  }
}

TEST_P(TrpoTest, AnUpdateImprovesItsLossInsideTheTrustRegionAndMovesTheBaseline) {
  Trpo trpo = Make(Members());
  for (uint64_t round = 0; round < 3; ++round) {
    const TrpoState before = trpo.state();
    const TrpoStats stats = trpo.Update(MakeRound({0, 1, 2, 3}, round));
    for (int64_t m = 0; m < 4; ++m) {
      if (stats.backtracks[m].item<int>() < 0) {
        EXPECT_TRUE(torch::equal(before.policy[m], trpo.state().policy[m]));
        continue;
      }
      EXPECT_LT(stats.loss_after[m].item<double>(), stats.loss_before[m].item<double>());
      EXPECT_LE(stats.kl[m].item<double>(), 0.01);
      EXPECT_GT(stats.kl[m].item<double>(), 0);
      EXPECT_GT(stats.gradient_norm[m].item<double>(), 0);
    }
    EXPECT_FALSE(torch::equal(before.baseline.parameters, trpo.state().baseline.parameters));
  }
  EXPECT_EQ(trpo.updates(), 3u);
}

// Spoils one number of member 1's round.
struct Spoiled {
  std::string quantity;
  std::function<void(RoundBatch&)> spoil;
};

std::vector<Spoiled> SpoiledRounds() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  return {{"rewards", [=](RoundBatch& b) { b.rewards[1][0][3] = nan; }},
          {"observations", [=](RoundBatch& b) { b.observations[1][0][2][0] = infinity; }},
          {"next observations", [=](RoundBatch& b) { b.next_observations[1][0][2][0] = -infinity; }},
          {"actions", [=](RoundBatch& b) { b.actions[1][0][5][0] = nan; }},
          {"ends of episodes", [=](RoundBatch& b) { b.terminated[1][0][5] = nan; }}};
}

TEST_P(TrpoTest, AMemberThatIsNotFiniteIsRestoredAndNamedAndTheOthersDoNotNotice) {
  for (const Spoiled& spoiled : SpoiledRounds()) {
    Trpo clean = Make(Members());
    Trpo trpo = Make(Members());
    clean.Update(MakeRound({0, 1, 2, 3}, 0));
    trpo.Update(MakeRound({0, 1, 2, 3}, 0));
    const TrpoState before = trpo.state();
    RoundBatch batch = MakeRound({0, 1, 2, 3}, 1);
    clean.Update(batch);
    spoiled.spoil(batch);
    const TrpoStats stats = trpo.Update(batch);
    EXPECT_THAT(stats.failure[1], HasSubstr(spoiled.quantity));
    EXPECT_TRUE(EqualState(Row(trpo.state(), 1), Row(before, 1))) << spoiled.quantity;
    for (const int64_t m : {0, 2, 3}) {
      EXPECT_EQ(stats.failure[m], "");
      EXPECT_TRUE(EqualState(Row(trpo.state(), m), Row(clean.state(), m))) << spoiled.quantity;
    }
  }
}

// Finite inputs, so large that something derived from them is not.
TEST_P(TrpoTest, AnExplosionInsideAnUpdateLeavesFiniteParameters) {
  const std::vector<std::function<void(RoundBatch&)>> explosions = {
      [](RoundBatch& b) { b.rewards[1].fill_(3e38f); },
      [](RoundBatch& b) { b.rewards[1][0][0] = 3e38f; },
      [](RoundBatch& b) { b.observations[1].mul_(1e38f).clamp_(-3e38f, 3e38f); },
      [](RoundBatch& b) { b.actions[1].fill_(1e30f); },
  };
  for (size_t i = 0; i < explosions.size(); ++i) {
    Trpo clean = Make(Members());
    Trpo trpo = Make(Members());
    for (uint64_t round = 0; round < 3; ++round) {
      RoundBatch batch = MakeRound({0, 1, 2, 3}, round);
      clean.Update(batch);
      explosions[i](batch);
      const TrpoState before = trpo.state();
      const TrpoStats stats = trpo.Update(batch);
      const TrpoState after = trpo.state();
      EXPECT_TRUE(after.policy.isfinite().all().item<bool>()) << i;
      EXPECT_TRUE(after.baseline.parameters.isfinite().all().item<bool>()) << i;
      if (after.baseline.adam.second.defined()) {
        EXPECT_TRUE(after.baseline.adam.second.isfinite().all().item<bool>()) << i;
        EXPECT_TRUE(after.baseline.adam.first.isfinite().all().item<bool>()) << i;
      }
      if (!stats.failure[1].empty()) {
        EXPECT_TRUE(EqualState(Row(after, 1), Row(before, 1)));
      }
      EXPECT_TRUE(EqualState(Row(after, 0), Row(clean.state(), 0)));
      EXPECT_TRUE(EqualState(Row(after, 3), Row(clean.state(), 3)));
    }
  }
}

TEST_P(TrpoTest, KeptMembersGoOnToTheSameBits) {
  Trpo all = Make(Members());
  Trpo kept = Make(Members());
  all.Update(MakeRound({0, 1, 2, 3}, 0));
  kept.Update(MakeRound({0, 1, 2, 3}, 0));
  kept.Keep({3, 0});
  ASSERT_EQ(kept.members().size(), 2u);
  for (uint64_t round = 1; round < 3; ++round) {
    all.Update(MakeRound({0, 1, 2, 3}, round));
    kept.Update(MakeRound({3, 0}, round));
    EXPECT_TRUE(EqualState(Row(kept.state(), 0), Row(all.state(), 3)));
    EXPECT_TRUE(EqualState(Row(kept.state(), 1), Row(all.state(), 0)));
  }
  EXPECT_THROW(kept.Keep({2}), std::invalid_argument);
  EXPECT_THROW(kept.Keep({}), std::invalid_argument);
}

TEST_P(TrpoTest, ARestoredStateGoesOnToTheSameBits) {
  Trpo first = Make(Members());
  for (uint64_t round = 0; round < 2; ++round) first.Update(MakeRound({0, 1, 2, 3}, round));
  Trpo second = Make(Members());
  second.Restore(first.state(), first.updates());
  first.Update(MakeRound({0, 1, 2, 3}, 2));
  second.Update(MakeRound({0, 1, 2, 3}, 2));
  EXPECT_TRUE(EqualState(first.state(), second.state()));
  EXPECT_EQ(second.updates(), 3u);
  EXPECT_THROW(second.Restore(Row(first.state(), 0), 1), std::invalid_argument);
}

TEST_P(TrpoTest, AWholeBatchByOperatorsAgreesWithTheFusedMembers) {
  const torch::NoGradGuard no_gradient;
  Trpo fused = Make(Members());
  TrpoState state = fused.state();
  TrpoUpdate by_operators(GetParam().options, GetParam().smoothness,
                          {4, GetParam().size.streams * GetParam().size.steps},
                          {torch::kCPU, torch::kFloat32, MlpBackend::kTorch});
  RoundBatch batch = MakeRound({0, 1, 2, 3}, 0);
  batch.rewards[2][0][3] = NAN;
  const TrpoStats expected = fused.Update(batch);
  const TrpoStats stats = by_operators.Update(batch, Members(), 0, state);
  for (const int64_t m : {0, 1, 3}) {
    EXPECT_EQ(stats.failure[m], "");
    EXPECT_EQ(stats.backtracks[m].item<int>(), expected.backtracks[m].item<int>());
    EXPECT_NEAR(stats.kl[m].item<double>(), expected.kl[m].item<double>(), 2e-5);
    EXPECT_NEAR(stats.loss_after[m].item<double>(), expected.loss_after[m].item<double>(), 2e-4);
    EXPECT_NEAR(stats.nonsmoothness[m].item<double>() / expected.nonsmoothness[m].item<double>(),
                1, 0.01);
    EXPECT_LT((state.baseline.parameters[m] - fused.state().baseline.parameters[m])
                  .abs().max().item<double>(), 1e-3);
  }
  EXPECT_THAT(stats.failure[2], HasSubstr("rewards"));
}

INSTANTIATE_TEST_SUITE_P(Settings, TrpoTest, testing::ValuesIn(Cases()), Name);

}  // namespace
}  // namespace sr2l
