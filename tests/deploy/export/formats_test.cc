// Each format gives what the service's own inference gives.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "common/exported_policy/policy_file.h"
#include "deploy/export/c_header.h"
#include "deploy/export/onnx_model.h"
#include "deploy/export/run_onnx.h"
#include "tests/deploy/export/export_fixture.h"
#include "tests/deploy/export/onnx_oracle.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// Of half the action's range. Measured: at most 8.4e-7, of which the service's own rounding is
// about half.
constexpr double kTolerance = 1e-6;

class FormatsTest : public ::testing::TestWithParam<ExportCase> {
 protected:
  // The vectors' observations, and 1000 others.
  FormatsTest() : observations_(export_.vectors().observations) {
    const std::vector<float> random = RandomObservations(policy(), 1000);
    observations_.insert(observations_.end(), random.begin(), random.end());
    expected_ = export_.ServiceControls(observations_);
  }

  const ExportedPolicy& policy() const { return export_.policy(); }

  void ExpectServiceControls(const std::vector<float>& controls) const {
    EXPECT_LE(GreatestDifference(policy(), controls, expected_), kTolerance);
  }

  const PolicyExport export_ = RandomExport(GetParam());
  std::vector<float> observations_;
  std::vector<float> expected_;
};

TEST_P(FormatsTest, TheVectorsHaveExtremesAndTheSmallestTolerance) {
  EXPECT_GE(export_.vectors().count(), 64U);
  EXPECT_EQ(export_.contract().tolerance(), kTolerance);
  EXPECT_EQ(export_.ServiceControls(export_.vectors().observations), export_.vectors().controls);
  const auto [least, most] = std::minmax_element(observations_.begin(), observations_.end());
  EXPECT_LT(*least, -1e5);
  EXPECT_GT(*most, 1e5);
}

TEST_P(FormatsTest, TheCHeaderCompilesWithoutAWarningAndGivesTheServicesControls) {
  const TemporaryFolder folder;
  WriteFile(folder / "policy.h", FormatCHeader(policy(), export_.contract(), "robot"));
  WriteFile(folder / "main.c", FormatCProgram("robot"));
  std::ostringstream rows;
  rows.precision(9);
  for (const float number : observations_) rows << number << "\n";
  WriteFile(folder / "observations", rows.str());
  const ProgramResult compiled =
      RunProgram({"/usr/bin/cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic",
                  "-Wconversion", "-Werror", "-o", folder / "run", folder / "main.c", "-lm"});
  ASSERT_EQ(compiled.exit_code, 0) << compiled.errors;
  const ProgramResult run = RunProgram({folder / "run", folder / "observations"});
  ASSERT_EQ(run.exit_code, 0);
  std::vector<float> controls;
  std::istringstream output(run.output);
  for (float number = 0; output >> number;) controls.push_back(number);
  ExpectServiceControls(controls);
}

TEST_P(FormatsTest, TheCHeaderIsAlsoCpp) {
  const TemporaryFolder folder;
  WriteFile(folder / "policy.h", FormatCHeader(policy(), export_.contract(), "robot"));
  WriteFile(folder / "main.cc",
            "#include \"policy.h\"\nvoid (*act)(const float*, float*) = robot_act;\n");
  const ProgramResult compiled =
      RunProgram({"/usr/bin/c++", "-std=c++11", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
                  "-Wconversion", "-Werror", folder / "main.cc"});
  EXPECT_EQ(compiled.exit_code, 0) << compiled.errors;
}

TEST_P(FormatsTest, TheOnnxModelHasTheDocumentedStructure) {
  const OnnxModel model = ReadOnnx(FormatOnnx(policy()));
  EXPECT_EQ(model.ir_version, 7);
  EXPECT_THAT(model.opsets, ElementsAre(Pair("", 13)));
  EXPECT_EQ(model.metadata.at("contract"), policy().contract);
  ASSERT_EQ(model.inputs.size(), 1U);
  EXPECT_EQ(model.inputs[0].name, "observation");
  EXPECT_THAT(model.inputs[0].dims,
              ElementsAre("batch", std::to_string(policy().observation_dim())));
  ASSERT_EQ(model.outputs.size(), 1U);
  EXPECT_EQ(model.outputs[0].name, "action");
  EXPECT_THAT(model.outputs[0].dims, ElementsAre("batch", std::to_string(policy().action_dim())));
  std::vector<std::string> operators;
  for (const OnnxModel::Node& node : model.nodes) operators.push_back(node.op);
  std::vector<std::string> expected;
  if (GetParam().is_normalized) expected = {"Sub", "Mul", "Clip"};
  const std::string hidden = GetParam().is_gaussian ? "Tanh" : "Relu";
  expected.insert(expected.end(), {"Gemm", hidden, "Gemm", hidden, "Gemm"});
  if (!GetParam().is_gaussian) expected.push_back("Tanh");
  expected.insert(expected.end(), {"Clip", "Mul", "Add"});
  EXPECT_EQ(operators, expected);
}

TEST_P(FormatsTest, TheOnnxModelGivesTheServicesControlsInAnInterpreterOfItsOwn) {
  const OnnxModel model = ReadOnnx(FormatOnnx(policy()));
  std::vector<float> controls;
  for (size_t row = 0; row < observations_.size(); row += policy().observation_dim()) {
    const auto first = observations_.begin() + static_cast<std::ptrdiff_t>(row);
    for (const double control : EvaluateOnnx(model, {first, first + policy().observation_dim()})) {
      controls.push_back(static_cast<float>(control));
    }
  }
  ExpectServiceControls(controls);
}

TEST_P(FormatsTest, WhatVerifyRunsOfTheOnnxModelGivesTheServicesControls) {
  const auto controls = RunOnnx(FormatOnnx(policy()), observations_);
  ASSERT_TRUE(controls.ok()) << controls.status();
  ExpectServiceControls(*controls);
}

TEST_P(FormatsTest, TheSafetensorsFileGivesTheServicesControlsByTheFormulaOfItsContract) {
  const auto read = ParsePolicyFile(FormatPolicyFile(policy()));
  ASSERT_TRUE(read.ok()) << read.status();
  std::vector<float> controls;
  for (size_t row = 0; row < observations_.size(); row += policy().observation_dim()) {
    for (const double control : ExactControls(*read, observations_.data() + row)) {
      controls.push_back(static_cast<float>(control));
    }
  }
  ExpectServiceControls(controls);
}

INSTANTIATE_TEST_SUITE_P(Policies, FormatsTest, ::testing::ValuesIn(kExportCases),
                         [](const auto& info) { return info.param.name; });

TEST(RunOnnxTest, WhatIsNoPolicyIsRefused) {
  const std::string model = FormatOnnx(RandomExport(kExportCases[0]).policy());
  EXPECT_FALSE(RunOnnx("nonsense", {0, 0, 0, 0}).ok());
  EXPECT_FALSE(RunOnnx("", {0, 0, 0, 0}).ok());
  EXPECT_FALSE(RunOnnx(model, {0, 0, 0}).ok());
  for (size_t size = 0; size < model.size(); size += 37) {
    EXPECT_FALSE(RunOnnx(model.substr(0, size), {0, 0, 0, 0}).ok()) << size;
  }
}

}  // namespace
}  // namespace sr2l
