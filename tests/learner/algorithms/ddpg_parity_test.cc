// Whole updates of DDPG and its two variants against an independent implementation.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "tests/learner/algorithms/ddpg_reference.h"
#include "tests/learner/algorithms/member_transitions.h"

namespace sr2l {
namespace {

using torch::Tensor;

constexpr int64_t kUpdates = 5;

struct Case {
  std::string name;
  std::optional<DdpgSmoothness> smoothness;
  bool terminate_at_truncation = false;
};

// The radius is a power of two, the same number in float32 and float64. A discount of 0.9 and
// large steps let five updates move the networks, and the target networks, visibly.
std::vector<MemberOptions> Members() {
  return {{.seed = 5, .radius = 0.0625, .coefficient = 3},
          {.seed = 6, .radius = 0.125, .coefficient = 0.5}};
}

class DdpgParityTest : public testing::TestWithParam<Case> {
 protected:
  DdpgParityTest()
      : options_(SmallDdpgOptions()),
        block_(Transitions({kUpdates * options_.batch_size, 3, 2}, {0, 1}, 7)) {
    options_.discount = 0.9;
    options_.actor_learning_rate = 0.02;
    options_.critic_learning_rate = 0.03;
    options_.target_update_rate = 0.25;
    options_.terminate_at_truncation = GetParam().terminate_at_truncation;
  }

  Ddpg MakeFused() const { return Ddpg(options_, GetParam().smoothness, Members(), torch::kCPU); }

  // The start of MakeFused in float64.
  DdpgState ExactStart() const {
    return MapState(MakeFused().state(), [](const Tensor& tensor) {
      return tensor.is_floating_point() ? tensor.to(torch::kFloat64) : tensor;
    });
  }

  TransitionBlock Exact(int64_t first_update, int64_t updates) const {
    return MapBlock(block_, [&](const Tensor& rows) {
      return rows.narrow(1, first_update * options_.batch_size, updates * options_.batch_size)
          .to(torch::kFloat64)
          .contiguous();
    });
  }

  // Both members side by side in float64.
  DdpgUpdate MakeExact() const {
    return DdpgUpdate(options_, GetParam().smoothness, 2, {torch::kCPU, torch::kFloat64});
  }

  std::vector<ReferenceDdpg> MakeReferences() const {
    std::vector<ReferenceDdpg> references;
    for (int64_t m = 0; m < 2; ++m) {
      const DdpgState start =
          MapState(ExactStart(), [m](const Tensor& tensor) { return tensor.narrow(0, m, 1); });
      references.emplace_back(options_, GetParam().smoothness, Members()[m], start);
    }
    return references;
  }

  static TransitionBlock MemberOf(const TransitionBlock& block, int64_t m) {
    return MapBlock(block, [m](const Tensor& rows) { return rows.narrow(0, m, 1); });
  }

  DdpgOptions options_;
  TransitionBlock block_;
};

double LargestError(const Tensor& actual, const Tensor& expected) {
  return (actual.to(torch::kFloat64) - expected).abs().max().item<double>();
}

// Adam's first mean after one step is a tenth of the gradient.
TEST_P(DdpgParityTest, GradientsOfBothNetworksEqualAutograd) {
  DdpgState state = ExactStart();
  MakeExact().Update(Exact(0, 1), 0, Members(), state);
  Ddpg single = MakeFused();
  single.Update(0, MapBlock(block_, [&](const Tensor& rows) {
                  return rows.narrow(1, 0, options_.batch_size).contiguous();
                }));
  std::vector<ReferenceDdpg> references = MakeReferences();
  for (int64_t m = 0; m < 2; ++m) {
    references[m].Update(MemberOf(Exact(0, 1), m), 0);
    const auto expect = [&](const Tensor& mean, const Tensor& gradient, double tolerance) {
      const double scale = gradient.abs().max().item<double>();
      ASSERT_GT(scale, 1e-3);
      EXPECT_LT(LargestError(mean[m] / 0.1, gradient), tolerance * scale);
    };
    expect(state.critic_adam.first, references[m].critic_gradient(), 1e-12);
    expect(state.actor_adam.first, references[m].actor_gradient(), 1e-12);
    // Sums of sixteen products in float32; measured: 4e-7.
    expect(single.state().critic_adam.first, references[m].critic_gradient(), 4e-6);
    expect(single.state().actor_adam.first, references[m].actor_gradient(), 4e-6);
  }
}

TEST_P(DdpgParityTest, FiveUpdatesEqualTheReference) {
  DdpgState state = ExactStart();
  MakeExact().Update(Exact(0, kUpdates), 0, Members(), state);
  std::vector<ReferenceDdpg> references = MakeReferences();
  for (int64_t m = 0; m < 2; ++m) {
    for (int64_t u = 0; u < kUpdates; ++u) {
      references[m].Update(MemberOf(Exact(0, kUpdates), m), u);
    }
    // Rounding in float64 alone, amplified where Adam divides by a small root.
    EXPECT_LT(LargestError(state.actor[m], references[m].actor()), 1e-9);
    EXPECT_LT(LargestError(state.critic[m], references[m].critic()), 1e-9);
    EXPECT_LT(LargestError(state.target_actor[m], references[m].target_actor()), 1e-9);
    EXPECT_LT(LargestError(state.target_critic[m], references[m].target_critic()), 1e-9);
    EXPECT_EQ(state.updates[m].item<int64_t>(), kUpdates);
  }
}

// Adam turns the rounding of a gradient near 0 into a step of another length: single parameters
// may differ, their movement as a whole may not.
TEST_P(DdpgParityTest, FiveFusedUpdatesInFloat32MoveAsTheReference) {
  Ddpg fused = MakeFused();
  const DdpgState start = ExactStart();
  fused.Update(0, block_);
  const DdpgState state = fused.state();
  std::vector<ReferenceDdpg> references = MakeReferences();
  for (int64_t m = 0; m < 2; ++m) {
    for (int64_t u = 0; u < kUpdates; ++u) {
      references[m].Update(MemberOf(Exact(0, kUpdates), m), u);
    }
    const auto expect = [m](const Tensor& from, const Tensor& actual, const Tensor& expected) {
      const double moved = (expected - from[m]).norm().item<double>();
      const double error = (actual[m].to(torch::kFloat64) - expected).norm().item<double>();
      EXPECT_GT(moved, 0.01);
      EXPECT_LT(error, 1e-4 * moved);
    };
    expect(start.actor, state.actor, references[m].actor());
    expect(start.critic, state.critic, references[m].critic());
    expect(start.target_actor, state.target_actor, references[m].target_actor());
    expect(start.target_critic, state.target_critic, references[m].target_critic());
  }
}

TEST_P(DdpgParityTest, StatisticsAreMeansOfTheReferencesFigures) {
  DdpgState state = ExactStart();
  const DdpgStats exact = MakeExact().Update(Exact(0, kUpdates), 0, Members(), state);
  const DdpgStats fused = MakeFused().Update(0, block_);
  std::vector<ReferenceDdpg> references = MakeReferences();
  for (int64_t m = 0; m < 2; ++m) {
    ReferenceDdpg::Figures sum = {};
    for (int64_t u = 0; u < kUpdates; ++u) {
      const auto figures = references[m].Update(MemberOf(Exact(0, kUpdates), m), u);
      sum.critic_loss += figures.critic_loss / kUpdates;
      sum.q_mean += figures.q_mean / kUpdates;
      sum.actor_objective += figures.actor_objective / kUpdates;
      sum.nonsmoothness += figures.nonsmoothness / kUpdates;
      sum.start_nonsmoothness += figures.start_nonsmoothness / kUpdates;
      sum.boundary_share += figures.boundary_share / kUpdates;
      sum.lipschitz += figures.lipschitz / kUpdates;
    }
    const auto expect = [m, &exact, &fused](Tensor DdpgStats::*figure, double expected) {
      EXPECT_NEAR((exact.*figure)[m].item<double>(), expected, 1e-9);
      EXPECT_NEAR((fused.*figure)[m].item<double>(), expected, 1e-4 * std::fabs(expected) + 1e-6);
    };
    expect(&DdpgStats::critic_loss, sum.critic_loss);
    expect(&DdpgStats::q_mean, sum.q_mean);
    expect(&DdpgStats::actor_objective, sum.actor_objective);
    EXPECT_EQ(exact.failure[m] + fused.failure[m], "");
    if (!GetParam().smoothness.has_value()) {
      EXPECT_TRUE(exact.nonsmoothness.isnan().all().item<bool>());
      EXPECT_TRUE(fused.local_lipschitz.isnan().all().item<bool>());
      continue;
    }
    expect(&DdpgStats::nonsmoothness, sum.nonsmoothness);
    expect(&DdpgStats::perturbation_gain, sum.nonsmoothness / sum.start_nonsmoothness);
    expect(&DdpgStats::boundary_share, sum.boundary_share);
    expect(&DdpgStats::local_lipschitz, sum.lipschitz);
  }
}

std::vector<Case> Cases() {
  return {{"Ddpg", std::nullopt},
          {"DdpgCutAtTruncation", std::nullopt, true},
          {"DdpgSrA", DdpgSmoothness{SmoothnessTarget::kPolicy, {}}},
          {"DdpgSrC", DdpgSmoothness{SmoothnessTarget::kCritic, {}}}};
}

INSTANTIATE_TEST_SUITE_P(Variants, DdpgParityTest, testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sr2l
