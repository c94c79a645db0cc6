// Whole updates of ten members on each kind of device against the same updates by LibTorch's
// operators on the CPU, and by CUDA graphs against the same step by step. Where there is no CUDA
// device, what needs one is skipped.
#include <gtest/gtest.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "learner/algorithms/ddpg.h"
#include "learner/algorithms/trpo.h"
#include "tests/learner/algorithms/member_rounds.h"
#include "tests/learner/algorithms/member_transitions.h"

namespace sr2l {
namespace {

using torch::Tensor;

std::vector<MemberOptions> TenMembers() {
  std::vector<MemberOptions> members;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    members.push_back({.seed = seed, .radius = 0.0625, .coefficient = 0.5 + 0.1 * seed});
  }
  return members;
}

const std::vector<uint64_t> kRows = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

RoundBatch On(torch::Device device, const RoundBatch& batch) {
  RoundBatch moved = batch;
  for (Tensor RoundBatch::*field :
       {&RoundBatch::observations, &RoundBatch::next_observations, &RoundBatch::actions,
        &RoundBatch::rewards, &RoundBatch::terminated, &RoundBatch::truncated,
        &RoundBatch::episode_step}) {
    moved.*field = (moved.*field).to(device);
  }
  return moved;
}

// Adam turns the rounding of single entries into steps of another length: the movement as a
// whole is what must agree.
void ExpectSameMovement(const Tensor& from, const Tensor& actual, const Tensor& expected) {
  const auto exact = [](const Tensor& tensor) { return tensor.to(torch::kCPU, torch::kFloat64); };
  const Tensor movement = (exact(expected) - exact(from)).norm(2, 1);
  const Tensor error = (exact(actual) - exact(expected)).norm(2, 1);
  EXPECT_GT(movement.min().item<double>(), 0.001);
  EXPECT_LT((error / movement).max().item<double>(), 1e-3);
}

class DeviceTest : public testing::TestWithParam<torch::DeviceType> {
 protected:
  void SetUp() override {
    if (GetParam() == torch::kCUDA && !torch::cuda::is_available()) {
      GTEST_SKIP() << "no CUDA device here";
    }
  }

  void ExpectFiveDdpgUpdates(std::optional<DdpgSmoothness> smoothness) {
    DdpgOptions options = SmallDdpgOptions();
    options.actor_learning_rate = 0.02;
    options.critic_learning_rate = 0.03;
    options.target_update_rate = 0.25;
    const TransitionBlock block = Transitions({5 * options.batch_size, 3, 2}, kRows, 7);
    Ddpg ddpg(options, smoothness, TenMembers(), GetParam());
    const DdpgState start = ddpg.state();
    ddpg.Update(0, MapBlock(block, [](const Tensor& rows) { return rows.to(GetParam()); }));
    DdpgState exact = MapState(start, [](const Tensor& tensor) {
      return tensor.to(torch::kCPU, tensor.is_floating_point() ? torch::kFloat64
                                                               : tensor.scalar_type());
    });
    DdpgUpdate(options, smoothness, 10, {torch::kCPU, torch::kFloat64})
        .Update(MapBlock(block, [](const Tensor& rows) { return rows.to(torch::kFloat64); }), 0,
                TenMembers(), exact);
    const DdpgState state = ddpg.state();
    ExpectSameMovement(start.actor, state.actor, exact.actor);
    ExpectSameMovement(start.critic, state.critic, exact.critic);
    ExpectSameMovement(start.target_actor, state.target_actor, exact.target_actor);
    ExpectSameMovement(start.target_critic, state.target_critic, exact.target_critic);
  }
};

TEST_P(DeviceTest, DdpgMovesAsInFloat64) { ExpectFiveDdpgUpdates(std::nullopt); }

TEST_P(DeviceTest, DdpgSrAMovesAsInFloat64) {
  ExpectFiveDdpgUpdates(DdpgSmoothness{SmoothnessTarget::kPolicy, {}});
}

TEST_P(DeviceTest, DdpgSrCMovesAsInFloat64) {
  ExpectFiveDdpgUpdates(DdpgSmoothness{SmoothnessTarget::kCritic, {}});
}

TEST_P(DeviceTest, TrpoSrMovesAsByOperatorsOnTheCpu) {
  const torch::NoGradGuard no_gradient;
  TrpoOptions options;
  options.policy = {.inputs = 11, .hidden = {32, 32}, .outputs = 3};
  options.baseline = ValueNetworkOptions{.hidden = {32, 32}, .epochs = 2};
  options.damping = 0.01;
  const RoundSize size = {2, 150, 11, 3};
  const RoundBatch batch = Round(size, kRows, 0);
  TrpoState expected = Trpo(options, SmoothnessOptions{}, TenMembers(), torch::kCPU).state();
  Trpo trpo(options, SmoothnessOptions{}, TenMembers(), GetParam());
  const TrpoState start = trpo.state();
  ASSERT_TRUE(torch::equal(expected.policy, start.policy.cpu())) << "its own start";
  const TrpoStats stats = trpo.Update(On(GetParam(), batch));
  const TrpoStats wanted = TrpoUpdate(options, SmoothnessOptions{}, {10, size.streams * size.steps},
                                      {torch::kCPU, torch::kFloat32, MlpBackend::kTorch})
                               .Update(batch, TenMembers(), 0, expected);
  for (int64_t m = 0; m < 10; ++m) {
    EXPECT_EQ(stats.failure[m] + wanted.failure[m], "");
    EXPECT_EQ(stats.backtracks[m].item<int>(), wanted.backtracks[m].item<int>());
    EXPECT_NEAR(stats.kl[m].item<double>(), wanted.kl[m].item<double>(), 2e-5);
  }
  const TrpoState state = trpo.state();
  ExpectSameMovement(start.policy, state.policy, expected.policy);
  ExpectSameMovement(start.baseline.parameters, state.baseline.parameters,
                     expected.baseline.parameters);
}

// By the device's own means and without graphs, as SR2L_CUDA_GRAPHS=0 has it.
class CudaGraphTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device here";
    ASSERT_NE(NewDeviceGraph(torch::kCUDA), nullptr)
        << "SR2L_CUDA_GRAPHS=0 is set, or CMake found no target torch_cuda";
  }

  static MlpPlacement WithoutGraphs() {
    return {.device = torch::kCUDA, .new_graph = NoDeviceGraph};
  }

  static void ExpectEqual(const DdpgStats& x, const DdpgStats& y) {
    EXPECT_EQ(x.failure, y.failure);
    for (const auto figure :
         {&DdpgStats::critic_loss, &DdpgStats::q_mean, &DdpgStats::actor_objective,
          &DdpgStats::nonsmoothness, &DdpgStats::perturbation_gain, &DdpgStats::boundary_share,
          &DdpgStats::local_lipschitz}) {
      EXPECT_TRUE(torch::allclose(x.*figure, y.*figure, /*rtol=*/0, /*atol=*/0, /*nan=*/true));
    }
  }
};

TEST_F(CudaGraphTest, DdpgUpdatesEqualThoseStepByStepToTheBit) {
  const torch::NoGradGuard no_gradient;
  const DdpgOptions options = SmallDdpgOptions();
  const SmoothnessOptions l2 = {.gradient = GradientKind::kL2, .norm = BallNorm::kL2};
  const SmoothnessOptions max_norm = {.gradient = GradientKind::kMaxNorm};
  const std::vector<std::optional<DdpgSmoothness>> variants = {
      std::nullopt, DdpgSmoothness{SmoothnessTarget::kPolicy, {}},
      DdpgSmoothness{SmoothnessTarget::kCritic, {}}, DdpgSmoothness{SmoothnessTarget::kPolicy, l2},
      DdpgSmoothness{SmoothnessTarget::kCritic, max_norm}};
  for (const auto& smoothness : variants) {
    DdpgUpdate graphed(options, smoothness, 10, {.device = torch::kCUDA});
    DdpgUpdate stepped(options, smoothness, 10, WithoutGraphs());
    DdpgState by_graph = Ddpg(options, smoothness, TenMembers(), torch::kCUDA).state();
    DdpgState by_steps = Ddpg(options, smoothness, TenMembers(), torch::kCUDA).state();
    for (uint64_t call = 0; call < 4; ++call) {
      if (call == 2) {  // another memory: captured anew
        by_graph = MapState(by_graph, [](const Tensor& tensor) { return tensor.clone(); });
      }
      const TransitionBlock block =
          MapBlock(Transitions({20 * options.batch_size, 3, 2}, kRows, call),
                   [](const Tensor& rows) { return rows.cuda(); });
      ExpectEqual(graphed.Update(block, 0, TenMembers(), by_graph),
                  stepped.Update(block, 0, TenMembers(), by_steps));
      ForEachPair(by_graph, by_steps, [](const Tensor& x, const Tensor& y) {
        EXPECT_TRUE(torch::equal(x, y)) << (x - y).abs().max();
      });
    }
  }
}

TEST_F(CudaGraphTest, ATrpoUpdateEqualsOneStepByStepToTheBit) {
  const torch::NoGradGuard no_gradient;
  TrpoOptions options;
  options.policy = {.inputs = 11, .hidden = {32, 32}, .outputs = 3};
  options.baseline = ValueNetworkOptions{.hidden = {32, 32}, .epochs = 2};
  const UpdateSize size = {10, 300};
  const RoundBatch batch = On(torch::kCUDA, Round({2, 150, 11, 3}, kRows, 0));
  TrpoState by_graph = Trpo(options, SmoothnessOptions{}, TenMembers(), torch::kCUDA).state();
  TrpoState by_steps = Trpo(options, SmoothnessOptions{}, TenMembers(), torch::kCUDA).state();
  TrpoUpdate(options, SmoothnessOptions{}, size, {.device = torch::kCUDA})
      .Update(batch, TenMembers(), 0, by_graph);
  TrpoUpdate(options, SmoothnessOptions{}, size, WithoutGraphs())
      .Update(batch, TenMembers(), 0, by_steps);
  EXPECT_TRUE(torch::equal(by_graph.policy, by_steps.policy));
  EXPECT_TRUE(torch::equal(by_graph.baseline.parameters, by_steps.baseline.parameters));
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceTest, testing::Values(torch::kCPU, torch::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == torch::kCPU ? "Cpu" : "Cuda");
                         });

}  // namespace
}  // namespace sr2l
