#include "deploy/cli/member_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/policy/member_file.h"
#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

// Together the bytes "abc", then 1.0f little-endian (00 00 80 3f), then "def".
v1::TrainedMember Member() {
  v1::TrainedMember member;
  member.mutable_policy()->set_parameters("abc");
  member.mutable_policy()->add_log_std(1.0F);
  member.set_baseline("def");
  member.set_env_steps(4000);
  member.set_updates(8);
  member.set_seed(3);
  return member;
}

// printf 'abc\0\0\x80\x3fdef' | sha256sum
constexpr char kSha256[] = "6f8d4b8e90cdb21329bfba86f5b43f15b67d44d608c4a0bb240d325d5b1767a1";

TEST(MemberDigestTest, CoversParametersLogStdAndBaselineInThisOrder) {
  EXPECT_EQ(DigestOf(Member()), kSha256);
}

TEST(MemberDigestTest, DoesNotDependOnSeedAndCounters) {
  v1::TrainedMember member = Member();
  member.set_seed(99);
  member.set_env_steps(1);
  EXPECT_EQ(DigestOf(member), kSha256);
}

class DigestRunTest : public ::testing::Test {
 protected:
  DigestRunTest() { std::filesystem::create_directory(folder_ / "policies"); }

  void Write(const std::string& name, const v1::TrainedMember& member) const {
    WriteFile(folder_ / ("policies/" + name), EncodeMemberFile(member));
  }

  TemporaryFolder folder_;
};

TEST_F(DigestRunTest, GivesALinePerMemberInNumericOrder) {
  for (const char* name : {"member_002.member", "member_1000.member", "member_010.member"}) {
    Write(name, Member());
  }
  const std::string rest = absl::StrCat(" 4000 8 ", kSha256, "\n");
  EXPECT_EQ(DigestRun(folder_.path()).value(), "2" + rest + "10" + rest + "1000" + rest);
}

TEST_F(DigestRunTest, IgnoresPoliciesThatWereKeptOnTheWayAndForeignFiles) {
  Write("member_000.member", Member());
  Write("member_000_round_000100.member", Member());
  WriteFile(folder_ / "policies/member_000.member.tmp", "x");
  EXPECT_EQ(DigestRun(folder_.path()).value(), absl::StrCat("0 4000 8 ", kSha256, "\n"));
}

TEST_F(DigestRunTest, NamesADamagedFile) {
  WriteFile(folder_ / "policies/member_000.member", "\xff\xff\xff");
  const auto digest = DigestRun(folder_.path());
  EXPECT_EQ(digest.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(digest.status().message()), HasSubstr("member_000.member"));
}

TEST_F(DigestRunTest, AFolderWithoutMembersIsNoRun) {
  EXPECT_EQ(DigestRun(folder_.path()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(DigestRun(folder_ / "nowhere").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sr2l
