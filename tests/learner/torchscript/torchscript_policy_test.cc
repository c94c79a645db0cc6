#include "learner/torchscript/torchscript_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two observations, three hidden units, one action in [1, 5].
ExportedPolicy Policy(v1::Activation output) {
  ExportedPolicy policy;
  policy.layers = {{.inputs = 2,
                    .outputs = 3,
                    .weight = {1, 2, 3, 4, 5, 6},
                    .bias = {7, 8, 9},
                    .activation = v1::RELU},
                   {.inputs = 3,
                    .outputs = 1,
                    .weight = {0.5F, -0.5F, 0.25F},
                    .bias = {-1},
                    .activation = output}};
  policy.mean = {10, 20};
  policy.scale = {2, 4};
  policy.clip = 3;
  policy.offset = {3};
  policy.half_width = {2};
  policy.contract = "{\"task\": \"x\"}";
  return policy;
}

TEST(TorchScriptPolicyTest, AModuleThatIsLoadedBackGivesWhatTheFormulaGivesByHand) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTorchScript(Policy(v1::LINEAR), folder / "policy.pt").ok());
  // As ExactControls: hidden 7, 8, 9; out 0.75. And 18, 21, 24; out 3.5, clipped.
  const auto actions = RunTorchScript(folder / "policy.pt", {{10, 20}, {9.5, 1000}});
  ASSERT_TRUE(actions.ok()) << actions.status();
  EXPECT_THAT(*actions, ElementsAre(ElementsAre(4.5F), ElementsAre(5.0F)));
}

TEST(TorchScriptPolicyTest, TanhSquashesTheOutput) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTorchScript(Policy(v1::TANH), folder / "policy.pt").ok());
  const auto actions = RunTorchScript(folder / "policy.pt", {{10, 20}});
  ASSERT_TRUE(actions.ok()) << actions.status();
  EXPECT_NEAR(actions->at(0).at(0), 3 + 2 * std::tanh(0.75), 1e-6);
}

TEST(TorchScriptPolicyTest, TakesBatchesAndHoldsItsContract) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteTorchScript(Policy(v1::LINEAR), folder / "policy.pt").ok());
  torch::jit::ExtraFilesMap extra = {{"contract.json", ""}};
  torch::jit::Module module = torch::jit::load(folder / "policy.pt", {}, extra);
  EXPECT_EQ(extra["contract.json"], "{\"task\": \"x\"}");
  const torch::Tensor batch = module.forward({torch::zeros({5, 2})}).toTensor();
  EXPECT_THAT(batch.sizes().vec(), ElementsAre(5, 1));
}

TEST(TorchScriptPolicyTest, FilesThatCannotBeWrittenOrReadAreNamedOnOneLine) {
  const TemporaryFolder folder;
  const absl::Status status = WriteTorchScript(Policy(v1::LINEAR), "/proc/no/policy.pt");
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write /proc/no/policy.pt: "));
  WriteFile(folder / "nonsense.pt", "nonsense");
  const auto actions = RunTorchScript(folder / "nonsense.pt", {{1, 2}});
  EXPECT_EQ(actions.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(actions.status().message().find('\n'), absl::string_view::npos);
}

}  // namespace
}  // namespace sr2l
