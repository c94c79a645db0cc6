#include "common/exported_policy/policy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/exported_policy/safetensors.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two observations, three hidden units, one action in [1, 5].
ExportedPolicy Policy() {
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
                    .activation = v1::LINEAR}};
  policy.mean = {10, 20};
  policy.scale = {2, 4};
  policy.clip = 3;
  policy.offset = {3};
  policy.half_width = {2};
  policy.contract = "{}";
  return policy;
}

TEST(ExactControlsTest, AreWhatTheFormulaGivesByHand) {
  const float at_the_mean[] = {10, 20};
  // Hidden: 7, 8, 9. Out: 3.5 - 4 + 2.25 - 1 = 0.75. Control: 3 + 2 * 0.75.
  EXPECT_THAT(ExactControls(Policy(), at_the_mean), ElementsAre(4.5));
  // Normalized (-1, 3 after clipping). Hidden: 18, 21, 24. Out: 9 - 10.5 + 6 - 1 = 3.5, clipped.
  const float beyond[] = {9.5, 1000};
  EXPECT_THAT(ExactControls(Policy(), beyond), ElementsAre(5));
}

TEST(PolicyFileTest, HoldsWeightsOutputsByInputs) {
  const auto file = ParseSafetensors(FormatPolicyFile(Policy()));
  ASSERT_TRUE(file.ok());
  ASSERT_NE(file->Find("policy.0.weight"), nullptr);
  EXPECT_THAT(file->Find("policy.0.weight")->shape, ElementsAre(3, 2));
  EXPECT_THAT(file->Find("policy.0.weight")->values, ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_EQ(file->metadata.at("activation"), "RELU");
  EXPECT_EQ(file->metadata.at("output_activation"), "LINEAR");
}

TEST(PolicyFileTest, ReadsBackToTheSameFile) {
  for (const bool normalized : {true, false}) {
    ExportedPolicy policy = Policy();
    if (!normalized) {
      policy.mean.clear();
      policy.scale.clear();
    }
    policy.log_std = {-0.5F};
    const std::string bytes = FormatPolicyFile(policy);
    const auto read = ParsePolicyFile(bytes);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->is_normalized(), normalized);
    EXPECT_EQ(read->layers[0].weight, policy.layers[0].weight);
    EXPECT_EQ(FormatPolicyFile(*read), bytes);
  }
}

TEST(PolicyFileTest, TensorsThatAreMissingOrDoNotFitAreNamed) {
  const TensorFile whole = ParseSafetensors(FormatPolicyFile(Policy())).value();
  for (size_t i = 0; i < whole.tensors.size(); ++i) {
    TensorFile changed = whole;
    const std::string name = changed.tensors[i].name;
    if (name == "normalization.mean" || name == "policy.1.weight") continue;  // may be left out
    changed.tensors.erase(changed.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    const auto read = ParsePolicyFile(FormatSafetensors(changed));
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(name));
  }
  for (const NamedTensor& tensor : whole.tensors) {
    TensorFile changed = whole;
    for (NamedTensor& other : changed.tensors) {
      if (other.name == tensor.name)
        other = {.name = other.name, .shape = {5}, .values = {1, 2, 3, 4, 5}};
    }
    EXPECT_FALSE(ParsePolicyFile(FormatSafetensors(changed)).ok()) << tensor.name;
  }
}

}  // namespace
}  // namespace sr2l
