// What the verbs that read a run's folder say about one that they cannot use: the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/policy/member_file.h"
#include "tests/actor/evaluation_policies.h"
#include "tests/deploy/evaluation_csv.h"
#include "tests/deploy/temporary_folder.h"
#include "tests/deploy/written_run.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kExperiment[] =
    "task { builtin: 'swimmer' step_limit: 40 } trpo {} members { seeds: [4, 5] } rounds: 3";

class UnusableRunTest : public ::testing::TestWithParam<std::string> {
 protected:
  UnusableRunTest() {
    WriteRun(run_, kExperiment, [](uint64_t seed, int round) { return double{1} * seed + round; });
    fs::create_directory(run_ + "/policies");
    for (const uint32_t number : {0U, 1U}) WriteMember(Member(number), PathOf(number));
  }

  static v1::TrainedMember Member(uint32_t number) {
    v1::TrainedMember member;
    *member.mutable_policy() = RandomPolicy(8, 2, 1, {-1});
    member.mutable_policy()->set_member(number);
    member.mutable_policy()->set_version(3);
    member.set_task("swimmer");
    member.set_seed(4 + number);
    member.set_version("sr2l 0.1.7, LibTorch 1.13.1");
    return member;
  }

  static void WriteMember(const v1::TrainedMember& member, const std::string& path) {
    WriteFile(path, EncodeMemberFile(member));
  }

  std::string PathOf(uint32_t number) const {
    return absl::StrCat(run_, "/policies/member_00", number, ".member");
  }

  bool ReadsPolicies() const { return GetParam() != "report"; }

  // The verb on `run`, small, with `further` arguments.
  ProgramResult Run(const std::string& run, const Arguments& further = {}) const {
    Arguments arguments = {GetParam(), run};
    if (GetParam() == "evaluate") {
      arguments.insert(arguments.end(), {"--episodes", "1", "--disturbance", "none"});
    } else if (GetParam() == "export") {
      arguments.insert(arguments.end(), {"--format", "c", "--out", folder_ / "policy.h"});
    } else if (GetParam() == "play") {
      arguments.insert(arguments.end(), {"--steps", "1", "--out", folder_ / "frames"});
    } else {
      arguments.insert(arguments.end(), {"--out", folder_ / "report"});
    }
    // The member that the tests spoil.
    if (ReadsPolicies() && std::find(further.begin(), further.end(), "--member") == further.end()) {
      arguments.insert(arguments.end(), {"--member", "1"});
    }
    arguments.insert(arguments.end(), further.begin(), further.end());
    return Sr2l(arguments);
  }

  // It fails with one line; nothing is left behind.
  void ExpectError(const std::string& message, const std::string& run,
                   const Arguments& further = {}) const {
    const ProgramResult result = Run(run, further);
    EXPECT_EQ(result.exit_code, 1) << result.output << result.errors;
    EXPECT_THAT(result.errors, AllOf(StartsWith("sr2l: "), HasSubstr(message), EndsWith("\n")));
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    for (const char* const made : {"policy.h", "frames", "report"}) {
      EXPECT_FALSE(fs::exists(folder_ / made)) << made;
    }
    EXPECT_FALSE(fs::exists(run + "/evaluation.csv"));
  }

  TemporaryFolder folder_;
  const std::string run_ = folder_ / "run";
};

TEST_P(UnusableRunTest, AMissingRunIsNamed) {
  ExpectError("there is no run's folder " + (folder_ / "nowhere"), folder_ / "nowhere");
  WriteFile(folder_ / "file", "");
  ExpectError("there is no run's folder " + (folder_ / "file"), folder_ / "file");
  fs::create_directory(folder_ / "empty");
  ExpectError((folder_ / "empty") + " is no run's folder: it has no experiment.textproto",
              folder_ / "empty");
}

TEST_P(UnusableRunTest, ARunWithoutPoliciesOrRoundsIsHalfWritten) {
  fs::remove_all(run_ + "/policies");
  WriteFile(run_ + "/curve.csv", kCurveHeader);
  ExpectError(ReadsPolicies() ? "member 1 has no policy yet: there is no " + PathOf(1)
                              : run_ + "/curve.csv has no rows: no round is finished",
              run_);
}

TEST_P(UnusableRunTest, APolicyThatIsCutAnywhereIsNamed) {
  const std::string whole = EncodeMemberFile(Member(1));
  for (const size_t length : {size_t{0}, size_t{1}, whole.size() / 2, whole.size() - 1}) {
    WriteFile(PathOf(1), whole.substr(0, length));
    ExpectError(PathOf(1) + " is not a trained member, or is damaged", run_);
  }
}

TEST_P(UnusableRunTest, APolicyWithAFlippedBitAnywhereIsNamed) {
  const std::string whole = EncodeMemberFile(Member(1));
  for (size_t k = 0; k < 8; ++k) {
    std::string damaged = whole;
    damaged[(damaged.size() - 1) * k / 7] ^= static_cast<char>(1 << k);
    WriteFile(PathOf(1), damaged);
    ExpectError(PathOf(1) + " is not a trained member, or is damaged", run_);
  }
}

TEST_P(UnusableRunTest, AnExperimentThatIsCutOrOfAnotherVersionIsNamedWithThePlace) {
  const std::string path = run_ + "/experiment.textproto";
  const std::string whole = ReadFile(path);
  WriteFile(path, "teleport: 3\n" + whole);
  ExpectError(path + ":1:", run_);
  WriteFile(path, whole.substr(0, whole.find("trpo {") + 6));
  ExpectError(path + ":", run_);
  WriteFile(path, "");
  ExpectError("task", run_);
}

TEST_P(UnusableRunTest, APolicyOfAnotherMinorOrMajorVersionIsNamed) {
  for (const std::string version : {"sr2l 9.1.0, LibTorch 3.0", "sr2l 0.10.0, LibTorch 2.1"}) {
    v1::TrainedMember member = Member(1);
    member.set_version(version);
    WriteMember(member, PathOf(1));
    ExpectError(PathOf(1) + " must be of sr2l 0.1, it was written by " + version, run_);
  }
}

TEST_P(UnusableRunTest, APolicyOfAnotherTaskIsNamedWithBothSizes) {
  v1::TrainedMember member = Member(1);
  *member.mutable_policy() = RandomPolicy(11, 3, 1, {-1, -1, -1});
  member.mutable_policy()->set_member(1);
  WriteMember(member, PathOf(1));
  ExpectError(PathOf(1) +
                  " must have 8 observations and 2 actions, as the task swimmer has; it "
                  "has 11 and 3",
              run_);
}

TEST_P(UnusableRunTest, APolicyOfAnotherTaskOfTheSameSizesIsNamed) {
  v1::TrainedMember member = Member(1);
  member.set_task("eel");
  WriteMember(member, PathOf(1));
  ExpectError(PathOf(1) + " must be of the task swimmer, it is of eel", run_);
}

TEST_P(UnusableRunTest, APolicyOfAnotherExperimentsMemberIsNamedWithWhatDiffers) {
  v1::TrainedMember member = Member(1);
  member.set_radius(0.25);
  WriteMember(member, PathOf(1));
  ExpectError(PathOf(1) +
                  " must have seed 5, radius 0 and coefficient 0, as the experiment has; it has "
                  "seed 5, radius 0.25 and coefficient 0",
              run_);
}

TEST_P(UnusableRunTest, APolicyOfAnotherMemberIsNamed) {
  WriteMember(Member(0), PathOf(1));
  ExpectError(PathOf(1) + " must be of member 1, it is of 0", run_);
}

TEST_P(UnusableRunTest, AMemberOrVersionThatIsNotThereIsToldFromThoseThatAre) {
  if (!ReadsPolicies()) return;  // a report is of all members
  ExpectError("--member must be in [0, 1], the run's members; got 2", run_, {"--member", "2"});
  ExpectError("--policy must be final or a version that member 1 keeps (3), got 11", run_,
              {"--policy", "11"});
}

// So the errors are those of what was spoiled: another patch version is none.
TEST_P(UnusableRunTest, AWholeRunIsNone) {
  const ProgramResult result = Run(run_);
  if (GetParam() == "play" && result.exit_code == 1) {
    EXPECT_THAT(result.errors, HasSubstr("this machine cannot render"));
    return;
  }
  EXPECT_EQ(result.exit_code, 0) << result.errors;
}

INSTANTIATE_TEST_SUITE_P(Verbs, UnusableRunTest,
                         ::testing::Values("evaluate", "export", "play", "report"),
                         [](const auto& verb) { return verb.param; });

}  // namespace
}  // namespace sr2l
