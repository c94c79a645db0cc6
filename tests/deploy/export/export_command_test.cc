// sr2l export and sr2l verify, as a user meets them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_replace.h"
#include "common/digest/sha256.h"
#include "common/policy/member_file.h"
#include "tests/deploy/export/export_fixture.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr ExportCase kPendulum = kExportCases[1];
constexpr ExportCase kCheetah = kExportCases[7];

ProgramResult Sr2l(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), Binary("sr2l"));
  return RunProgram(arguments);
}

void ExpectError(const ProgramResult& result, int exit_code, const std::string& message) {
  EXPECT_EQ(result.exit_code, exit_code) << result.output << result.errors;
  EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
  EXPECT_THAT(result.errors, AllOf(StartsWith("sr2l"), HasSubstr(message)));
}

class ExportCommandTest : public ::testing::Test {
 protected:
  ExportCommandTest() {
    WriteRun(kPendulum, {RandomMember(kPendulum), RandomMember(kPendulum)}, run_);
  }

  ProgramResult Export(const std::string& format, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"export", run_, "--member", "1", "--format", format};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Sr2l(arguments);
  }

  // Writes `member` in place of member 1.
  void Replace(v1::TrainedMember member) const {
    member.mutable_policy()->set_member(1);
    member.set_seed(1);
    WriteFile(run_ + "/policies/member_001.member", EncodeMemberFile(member));
  }

  TemporaryFolder folder_;
  const std::string run_ = folder_ / "run";
};

TEST_F(ExportCommandTest, WritesEveryFormatWithItsContractAndVectorsAndVerifiesIt) {
  const std::pair<const char*, const char*> formats[] = {
      {"onnx", ".onnx"}, {"torchscript", ".pt"}, {"safetensors", ".safetensors"}, {"c", ".h"}};
  for (const auto& [format, extension] : formats) {
    const ProgramResult exported = Export(format);
    ASSERT_EQ(exported.exit_code, 0) << exported.errors;
    const std::string path = run_ + "/exports/inverted_pendulum_member_001" + extension;
    EXPECT_THAT(exported.output, HasSubstr(path));
    EXPECT_THAT(ReadFile(path + ".contract.json"), HasSubstr("\"control_rate_hz\": 25"));
    const ProgramResult verified = Sr2l({"verify", path});
    EXPECT_EQ(verified.exit_code, 0) << verified.errors;
    EXPECT_THAT(verified.output, HasSubstr("128 vectors agree"));
  }
}

TEST_F(ExportCommandTest, OutNamesTheFileAndTheFunctionOfTheCHeader) {
  const std::string path = folder_ / "new/folder/my-robot.h";
  ASSERT_EQ(Export("c", {"--out", path}).exit_code, 0);
  EXPECT_THAT(ReadFile(path), HasSubstr("my_robot_act("));
  EXPECT_EQ(Sr2l({"verify", path}).exit_code, 0);
  // C reserves names with an underscore in front.
  ASSERT_EQ(Export("c", {"--out", folder_ / "_robot.h"}).exit_code, 0);
  EXPECT_THAT(ReadFile(folder_ / "_robot.h"), HasSubstr(" policy__robot_act("));
}

TEST_F(ExportCommandTest, PolicyChoosesAKeptVersion) {
  v1::TrainedMember kept = RandomMember(kPendulum);
  kept.set_seed(1);
  kept.mutable_policy()->set_version(100);
  kept.mutable_policy()->set_member(1);
  WriteFile(run_ + "/policies/member_001_round_000010.member", EncodeMemberFile(kept));
  const ProgramResult exported = Export("onnx", {"--policy", "100"});
  ASSERT_EQ(exported.exit_code, 0) << exported.errors;
  const std::string contract =
      ReadFile(run_ + "/exports/inverted_pendulum_member_001_version_100.onnx.contract.json");
  EXPECT_THAT(contract, HasSubstr("\"policy_version\": 100"));
  ExpectError(Export("onnx", {"--policy", "7"}), 1, "--policy must be final or a version that member 1 keeps (100, 500), got 7");
}

TEST_F(ExportCommandTest, WrongUsageIsOneLineAndStatusTwo) {
  ExpectError(Export("tflite"), 2, "--format: tflite not in {onnx,torchscript,safetensors,c}");
  ExpectError(Export("onnx", {"--policy", "newest"}), 2, "--policy: must be final or a version, got newest");
  ExpectError(Sr2l({"export", run_, "--format", "c"}), 2, "--member is required");
  ExpectError(Sr2l({"export", run_, "--member", "-1", "--format", "c"}), 2, "--member");
  ExpectError(Sr2l({"verify"}), 2, "FILE is required");
}

TEST_F(ExportCommandTest, WhatIsNoRunOrNoMemberIsOneLine) {
  ExpectError(Sr2l({"export", folder_ / "nowhere", "--member", "0", "--format", "c"}), 1,
              "there is no run's folder");
  ExpectError(Sr2l({"export", run_, "--member", "2", "--format", "c"}), 1,
              "--member must be in [0, 1], the run's members; got 2");
  fs::remove_all(run_ + "/policies");
  ExpectError(Export("c"), 1, "member 1 has no policy yet");
}

TEST_F(ExportCommandTest, HalfWrittenAndForeignFilesAreNamed) {
  const std::string whole = EncodeMemberFile(RandomMember(kPendulum));
  WriteFile(run_ + "/policies/member_001.member", whole.substr(0, whole.size() / 2));
  ExpectError(Export("c"), 1, "member_001.member is not a trained member, or is damaged");
  v1::TrainedMember member = RandomMember(kPendulum);
  member.mutable_policy()->mutable_parameters()->resize(100);
  Replace(member);
  ExpectError(Export("c"), 1, "parameters must have");
  member = RandomMember(kPendulum);
  member.set_version("sr2l 9.0.0, LibTorch 3");
  Replace(member);
  ExpectError(Export("c"), 1, "must be of sr2l 0.1, it was written by sr2l 9.0.0, LibTorch 3");
}

TEST_F(ExportCommandTest, APolicyOfAnotherTaskIsRefused) {
  Replace(RandomMember(kCheetah));
  ExpectError(Export("onnx"), 1,
              "must be of the task inverted_pendulum, it is of half_cheetah");
}

TEST_F(ExportCommandTest, AFileThatCannotBeWrittenIsNamed) {
  ExpectError(Export("onnx", {"--out", "/proc/no/such.onnx"}), 1, "/proc/no");
  ExpectError(Export("onnx", {"--out", folder_.path()}), 1,
              "--out must be a file, " + folder_.path() + " is a folder");
  EXPECT_FALSE(fs::exists(folder_.path() + ".vectors.csv"));
}

TEST_F(ExportCommandTest, VerifyFindsAChangedFileAndChangedVectors) {
  const std::string path = folder_ / "policy.onnx";
  ASSERT_EQ(Export("onnx", {"--out", path}).exit_code, 0);
  const std::string vectors = ReadFile(path + ".vectors.csv");
  const std::string contract = ReadFile(path + ".contract.json");
  const std::string changed = absl::StrReplaceAll(vectors, {{"\n0", "\n9"}});
  WriteFile(path + ".vectors.csv", changed);
  ExpectError(Sr2l({"verify", path}), 1, "vectors.csv is not the file that its contract was written");
  WriteFile(path + ".contract.json",
            absl::StrReplaceAll(contract, {{Sha256Hex(vectors), Sha256Hex(changed)}}));
  ExpectError(Sr2l({"verify", path}), 1, "push is ");
  WriteFile(path + ".contract.json", contract);
  WriteFile(path + ".vectors.csv", vectors.substr(0, vectors.size() / 2));
  ExpectError(Sr2l({"verify", path}), 1, "vectors.csv");
  WriteFile(path + ".vectors.csv", vectors + "nonsense\n");
  ExpectError(Sr2l({"verify", path}), 1, "line 130: not a row of 5 numbers");
  WriteFile(path, ReadFile(path) + "x");
  ExpectError(Sr2l({"verify", path}), 1, "not the file that its contract was written with");
  fs::remove(path + ".contract.json");
  ExpectError(Sr2l({"verify", path}), 1, "there is no file " + path + ".contract.json");
  ExpectError(Sr2l({"verify", folder_.path()}), 1, "is a folder, not a file");
  ExpectError(Sr2l({"verify", folder_ / "none.onnx"}), 1, "there is no file");
}

TEST_F(ExportCommandTest, ExportingAgainGivesTheSameBytes) {
  for (const char* format : {"onnx", "safetensors", "c"}) {
    const std::string path = folder_ / "policy";
    ASSERT_EQ(Export(format, {"--out", path}).exit_code, 0);
    const std::string first = ReadFile(path) + ReadFile(path + ".contract.json");
    ASSERT_EQ(Export(format, {"--out", path}).exit_code, 0);
    EXPECT_EQ(ReadFile(path) + ReadFile(path + ".contract.json"), first) << format;
  }
}

}  // namespace
}  // namespace sr2l
