#include "learner/checkpoint/state_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <optional>
#include <string>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "learner/algorithms/trpo.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

const std::vector<MemberOptions> kMembers = {{.seed = 1}, {.seed = 2}, {.seed = 3}};

DdpgOptions SmallDdpg() {
  DdpgOptions options;
  options.actor.inputs = 3;
  options.actor.hidden = {5};
  options.actor.outputs = 2;
  options.critic.inputs = 5;
  options.critic.hidden = {4};
  return options;
}

// Fills every tensor with numbers that differ, where a checkpoint would have what was learned.
void Scramble(const StateTensors& tensors) {
  torch::manual_seed(3);
  for (const auto& [name, tensor] : tensors) {
    if (!tensor->defined()) continue;
    if (tensor->is_floating_point()) {
      tensor->copy_(torch::randn(tensor->sizes()));
    } else {
      tensor->copy_(torch::randint(1, 1000, tensor->sizes()));
    }
  }
}

template <typename State>
void ExpectRowsSurvive(State saved, State loaded) {
  const StateTensors from = TensorsOf(saved);
  const StateTensors to = TensorsOf(loaded);
  Scramble(from);
  // In another order: rows carry no number.
  for (const auto& [source, target] : {std::pair{0, 2}, std::pair{1, 0}, std::pair{2, 1}}) {
    v1::MemberCheckpoint member;
    SaveRow(from, source, member);
    ASSERT_EQ(LoadRow(member, target, to), absl::OkStatus());
    for (size_t i = 0; i < from.size(); ++i) {
      if (!from[i].second->defined()) continue;
      EXPECT_TRUE(torch::equal((*from[i].second)[source], (*to[i].second)[target]))
          << from[i].first;
    }
  }
}

TEST(StateTensorsTest, EveryTensorOfDdpgSurvivesInItsRow) {
  const Ddpg ddpg(SmallDdpg(), std::nullopt, kMembers, torch::kCPU);
  ExpectRowsSurvive(ddpg.state(), ddpg.state());
}

TEST(StateTensorsTest, EveryTensorOfTrpoSurvivesInItsRowWithEitherBaseline) {
  TrpoOptions options;
  options.policy.inputs = 3;
  options.policy.outputs = 2;
  const Trpo network(options, std::nullopt, kMembers, torch::kCPU);
  ExpectRowsSurvive(network.state(), network.state());
  options.baseline = LinearBaselineOptions();
  const Trpo linear(options, std::nullopt, kMembers, torch::kCPU);
  ExpectRowsSurvive(linear.state(), linear.state());
}

TEST(StateTensorsTest, ATensorThatDoesNotFitIsNamed) {
  const Ddpg ddpg(SmallDdpg(), std::nullopt, kMembers, torch::kCPU);
  DdpgState state = ddpg.state();
  v1::MemberCheckpoint good;
  good.set_member(7);
  SaveRow(TensorsOf(state), 0, good);
  const auto expect_refused = [&](const v1::MemberCheckpoint& member) {
    DdpgState target = ddpg.state();
    const absl::Status status = LoadRow(member, 0, TensorsOf(target));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("member 7 has no tensor critic "));
  };
  for (int i = 0; i < good.tensors_size(); ++i) {
    if (good.tensors(i).name() != "critic") continue;
    v1::MemberCheckpoint wrong = good;
    wrong.mutable_tensors(i)->set_name("other");
    expect_refused(wrong);
    wrong = good;
    wrong.mutable_tensors(i)->mutable_values()->pop_back();
    expect_refused(wrong);
    wrong = good;
    wrong.mutable_tensors(i)->set_sizes(0, 1);
    expect_refused(wrong);
    wrong = good;
    wrong.mutable_tensors(i)->set_type(v1::NamedTensor::FLOAT64);
    expect_refused(wrong);
  }
}

}  // namespace
}  // namespace sr2l
