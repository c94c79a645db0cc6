// Learning by the replay of graphs against the same learning step by step, on the CPU.
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "learner/algorithms/ddpg_update.h"
#include "learner/algorithms/value_network.h"
#include "tests/learner/algorithms/member_transitions.h"
#include "tests/learner/nn/operator_graph.h"

namespace sr2l {
namespace {

using torch::Tensor;

struct Variant {
  std::string name;
  std::optional<DdpgSmoothness> smoothness;
};

std::vector<Variant> Variants() {
  const auto norms = [](GradientKind gradient, BallNorm norm) {
    return SmoothnessOptions{.gradient = gradient, .norm = norm};
  };
  return {{"Ddpg", std::nullopt},
          {"SrA", DdpgSmoothness{SmoothnessTarget::kPolicy, {}}},
          {"SrC", DdpgSmoothness{SmoothnessTarget::kCritic, {}}},
          {"SrAL2", DdpgSmoothness{SmoothnessTarget::kPolicy,
                                   norms(GradientKind::kL2, BallNorm::kL2)}},
          {"SrCMaxNorm", DdpgSmoothness{SmoothnessTarget::kCritic,
                                        norms(GradientKind::kMaxNorm, BallNorm::kLinf)}}};
}

// By operators alone, in float64: with float32, loops take their place on the CPU.
MlpPlacement ByOperators() { return {torch::kCPU, torch::kFloat64}; }

// The same by a graph, which is told.
MlpPlacement ByGraph(OperatorGraph*& made) {
  MlpPlacement placement = ByOperators();
  placement.new_graph = [&made](torch::Device) {
    auto graph = std::make_unique<OperatorGraph>();
    made = graph.get();
    return graph;
  };
  return placement;
}

// M members trained by updates with a graph, and without one.
class Pair {
 public:
  Pair(const std::optional<DdpgSmoothness>& smoothness, std::vector<MemberOptions> members,
       DdpgUpdate& graphed, DdpgUpdate& stepped)
      : members_(std::move(members)), graphed_(graphed), stepped_(stepped) {
    const auto exact = [](const Tensor& tensor) {
      return tensor.is_floating_point() ? tensor.to(torch::kFloat64) : tensor.clone();
    };
    const DdpgState start =
        Ddpg(SmallDdpgOptions(), smoothness, members_, torch::kCPU).state();
    by_graph_ = MapState(start, exact);
    by_steps_ = MapState(start, exact);
  }

  void Update(int64_t updates, uint64_t index) {
    const TransitionBlock block =
        MapBlock(Transitions({updates * SmallDdpgOptions().batch_size, 3, 2}, {4, 5}, index),
                 [](const Tensor& rows) { return rows.to(torch::kFloat64); });
    graphed_.Update(block, 0, members_, by_graph_);
    stepped_.Update(block, 0, members_, by_steps_);
  }

  void SetBall(double radius, double coefficient) {
    for (MemberOptions& member : members_) {
      member.radius = radius;
      member.coefficient = coefficient;
    }
  }

  void ExpectEqual() {
    ForEachPair(by_graph_, by_steps_, [](const Tensor& graphed, const Tensor& stepped) {
      EXPECT_TRUE(torch::equal(graphed, stepped)) << (graphed - stepped).abs().max();
    });
  }

 private:
  std::vector<MemberOptions> members_;
  DdpgUpdate& graphed_;
  DdpgUpdate& stepped_;
  DdpgState by_graph_;
  DdpgState by_steps_;
};

std::vector<MemberOptions> TwoMembers(uint64_t seed, double radius, double coefficient) {
  return {{.seed = seed, .radius = radius, .coefficient = coefficient},
          {.seed = seed + 1, .radius = 2 * radius, .coefficient = 0}};
}

class DdpgGraphTest : public testing::TestWithParam<Variant> {
 protected:
  Pair Members(uint64_t seed, double radius, double coefficient) {
    return Pair(GetParam().smoothness, TwoMembers(seed, radius, coefficient), graphed_, stepped_);
  }

  const torch::NoGradGuard no_gradient_;
  OperatorGraph* graph_ = nullptr;
  DdpgUpdate graphed_{SmallDdpgOptions(), GetParam().smoothness, 2, ByGraph(graph_)};
  DdpgUpdate stepped_{SmallDdpgOptions(), GetParam().smoothness, 2, ByOperators()};
};

TEST_P(DdpgGraphTest, ReplaysAreTheUpdatesToTheBit) {
  Pair members = Members(7, 0.0625, 0.5);
  members.Update(3, 0);
  members.Update(5, 1);
  members.Update(1, 2);
  members.ExpectEqual();
  EXPECT_EQ(graph_->captures(), 1);
  EXPECT_EQ(graph_->replays(), 9);
  EXPECT_EQ(graph_->waits(), std::set<std::string>());
}

TEST_P(DdpgGraphTest, OtherMembersAreCapturedAnew) {
  Pair first = Members(7, 0.0625, 0.5);
  Pair second = Members(9, 0.25, 1.5);
  first.Update(2, 0);
  second.Update(2, 1);
  second.Update(2, 2);
  first.Update(2, 3);
  first.ExpectEqual();
  second.ExpectEqual();
  EXPECT_EQ(graph_->captures(), 3);
}

TEST_P(DdpgGraphTest, RadiiAndCoefficientsMayChange) {
  Pair members = Members(7, 0.0625, 0);
  members.Update(2, 0);
  members.SetBall(0.125, 0.5);  // begins to regularize
  members.Update(2, 1);
  members.SetBall(0.5, 0.25);  // other numbers alone
  members.Update(2, 2);
  members.ExpectEqual();
  EXPECT_EQ(graph_->captures(), GetParam().smoothness.has_value() ? 2 : 1);
}

TEST_P(DdpgGraphTest, WhatCannotBeCapturedIsDoneStepByStep) {
  class RefusingGraph : public DeviceGraph {
   public:
    explicit RefusingGraph(int& captures) : captures_(captures) {}
    void Capture(const std::function<void()>& work) override {
      ++captures_;
      OperatorGraph().Capture(work);
      throw std::runtime_error("no graph of this");
    }
    void Replay() override { ADD_FAILURE() << "of nothing"; }

   private:
    int& captures_;
  };
  int captures = 0;
  MlpPlacement placement = ByOperators();
  placement.new_graph = [&captures](torch::Device) {
    return std::make_unique<RefusingGraph>(captures);
  };
  DdpgUpdate refused(SmallDdpgOptions(), GetParam().smoothness, 2, placement);
  Pair members(GetParam().smoothness, TwoMembers(7, 0.0625, 0.5), refused, stepped_);
  members.Update(3, 0);
  members.Update(2, 1);
  members.ExpectEqual();
  EXPECT_EQ(captures, 1);
}

INSTANTIATE_TEST_SUITE_P(Variants, DdpgGraphTest, testing::ValuesIn(Variants()),
                         [](const auto& info) { return info.param.name; });

// Epochs of ten minibatches and a smaller one: a graph each.
TEST(ValueNetworkGraphTest, ReplaysAreTheFitToTheBit) {
  const torch::NoGradGuard no_gradient;
  const ValueNetworkOptions options = {.hidden = {8, 7}, .epochs = 3, .minibatch_size = 16};
  const std::vector<uint64_t> seeds = {4, 5};
  std::vector<OperatorGraph*> graphs;
  MlpPlacement placement = ByOperators();
  placement.new_graph = [&graphs](torch::Device) {
    auto graph = std::make_unique<OperatorGraph>();
    graphs.push_back(graph.get());
    return graph;
  };
  ValueNetwork by_graphs(options, 0.97, {2, 3, 165}, placement);
  ValueNetwork by_steps(options, 0.97, {2, 3, 165}, ByOperators());
  const BaselineState start = ValueNetwork::InitialState(options, 3, seeds, torch::kCPU);
  const auto exact = [&start] {
    const torch::Tensor parameters = start.parameters.to(torch::kFloat64);
    return BaselineState{.parameters = parameters, .adam = AdamState::Zeros(parameters)};
  };
  BaselineState graphed = exact();
  BaselineState stepped = exact();
  for (uint64_t update = 0; update < 2; ++update) {
    const Tensor observations = torch::randn({2, 165, 3}, torch::kFloat64);
    const Tensor targets = torch::randn({2, 165}, torch::kFloat64);
    by_graphs.Fit({observations, torch::Tensor()}, targets, {seeds, update}, graphed);
    by_steps.Fit({observations, torch::Tensor()}, targets, {seeds, update}, stepped);
    EXPECT_TRUE(torch::equal(graphed.parameters, stepped.parameters));
    EXPECT_TRUE(torch::equal(graphed.adam.first, stepped.adam.first));
    EXPECT_TRUE(torch::equal(graphed.adam.second, stepped.adam.second));
    EXPECT_TRUE(torch::equal(graphed.adam.steps, stepped.adam.steps));
  }
  EXPECT_FALSE(torch::allclose(graphed.parameters, exact().parameters));
  ASSERT_EQ(graphs.size(), 2u);
  EXPECT_EQ(graphs[0]->captures() + graphs[1]->captures(), 2);
  EXPECT_EQ(graphs[0]->replays(), 2 * 3 * 10);
  EXPECT_EQ(graphs[1]->replays(), 2 * 3);
  EXPECT_EQ(graphs[0]->waits(), std::set<std::string>());
}

}  // namespace
}  // namespace sr2l
