#include "learner/training/results_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/str_split.h"
#include "tests/learner/tensorboard/event_reader.h"

namespace sr2l {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

class ResultsFolderTest : public ::testing::Test {
 protected:
  ~ResultsFolderTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_ = [] {
    std::string pattern = ::testing::TempDir() + "/results-XXXXXX";
    return std::string(mkdtemp(pattern.data()));
  }();
};

TEST_F(ResultsFolderTest, TheCurveHasOneNamedColumnPerCellAndReadsBackExactly) {
  const auto folder = ResultsFolder::Create(folder_, {}, kNow);
  ASSERT_TRUE(folder.ok()) << folder.status();
  v1::MemberProgress member;
  member.set_member(3);
  member.set_seed(18446744073709551615u);
  member.set_kl(0.1);
  member.set_return_mean(-1.0 / 3.0);
  member.set_backtracks(-1);
  ASSERT_TRUE((*folder)->AppendRound(member, 1.5, kNow).ok());
  const std::vector<std::string> lines = absl::StrSplit(Read(folder_ + "/curve.csv"), '\n');
  const std::vector<std::string> names = absl::StrSplit(lines.at(0), ',');
  const std::vector<std::string> cells = absl::StrSplit(lines.at(1), ',');
  ASSERT_EQ(names.size(), cells.size());
  std::map<std::string, std::string> row;
  for (size_t i = 0; i < names.size(); ++i) row[names[i]] = cells[i];
  EXPECT_EQ(row["member"], "3");
  EXPECT_EQ(row["seed"], "18446744073709551615");
  EXPECT_EQ(std::strtod(row["kl"].c_str(), nullptr), 0.1);
  EXPECT_EQ(std::strtod(row["return_mean"].c_str(), nullptr), -1.0 / 3.0);
  EXPECT_EQ(row["return_std"], "");
  EXPECT_EQ(row["nonsmoothness"], "");
  EXPECT_EQ(row["backtracks"], "-1");
  EXPECT_EQ(row["wall_seconds"], "1.500");
}

TEST_F(ResultsFolderTest, MembersAreWrittenUnderTheirNumberAndKeptOnesUnderTheirRound) {
  const auto folder = ResultsFolder::Create(folder_, {}, kNow);
  ASSERT_TRUE(folder.ok());
  v1::TrainedMember member;
  member.mutable_policy()->set_member(7);
  member.mutable_policy()->set_version(1000);
  member.set_env_steps(100000);
  ASSERT_TRUE((*folder)->WriteMember(member, /*keep_round=*/100).ok());
  member.mutable_policy()->set_version(1001);
  ASSERT_TRUE((*folder)->WriteMember(member, std::nullopt).ok());
  v1::TrainedMember newest;
  ASSERT_TRUE(newest.ParseFromString(Read(folder_ + "/policies/member_007.member")));
  EXPECT_EQ(newest.policy().version(), 1001u);
  v1::TrainedMember kept;
  ASSERT_TRUE(kept.ParseFromString(Read(folder_ + "/policies/member_007_round_000100.member")));
  EXPECT_EQ(kept.policy().version(), 1000u);
}

TEST_F(ResultsFolderTest, ResultsAreNeverOverwritten) {
  ASSERT_TRUE(ResultsFolder::Create(folder_, {}, kNow).ok());
  EXPECT_EQ(ResultsFolder::Create(folder_, {}, kNow).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(ResultsFolderTest, WhoGoesOnWithoutTheCurveKeepsTheEventsBefore) {
  const auto append = [](ResultsFolder& folder, uint64_t round) {
    v1::MemberProgress member;
    member.set_rounds(round);
    member.set_env_steps(100 * round);
    ASSERT_EQ(folder.AppendRound(member, 1.5, kNow), absl::OkStatus());
  };
  {
    const auto folder = ResultsFolder::Create(folder_, {}, kNow);
    ASSERT_TRUE(folder.ok()) << folder.status();
    for (uint64_t round = 1; round <= 3; ++round) append(**folder, round);
  }
  std::filesystem::remove(folder_ + "/curve.csv");
  // Without a round there is nothing to go on with.
  EXPECT_EQ(ResultsFolder::Resume(folder_, {0}, {0}, kNow).status().code(),
            absl::StatusCode::kNotFound);
  {
    const auto folder = ResultsFolder::Resume(folder_, {2}, {200}, kNow);
    ASSERT_TRUE(folder.ok()) << folder.status();
    append(**folder, 3);
  }
  const std::vector<std::string> lines = absl::StrSplit(Read(folder_ + "/curve.csv"), '\n');
  ASSERT_EQ(lines.size(), 3u);  // the names, a round, and the end of its line
  std::multiset<int64_t> steps;
  for (const auto& file :
       std::filesystem::directory_iterator(folder_ + "/tensorboard/member_000")) {
    for (const ReadEvent& event : ReadEventFile(Read(file.path()))) {
      if (!event.scalars.empty()) steps.insert(event.step);
    }
  }
  EXPECT_THAT(steps, testing::ElementsAre(100, 200, 300));
}

// As a power cut may leave it.
TEST_F(ResultsFolderTest, ACurveThatLostItsFirstLineBeginsAnewAndAForeignOneIsDamage) {
  ASSERT_TRUE(ResultsFolder::Create(folder_, {}, kNow).ok());
  const std::string curve = folder_ + "/curve.csv";
  const std::string header = Read(curve);
  v1::MemberProgress member;
  member.set_rounds(3);
  for (const std::string& cut :
       {std::string(), header.substr(0, 20), header.substr(0, header.size() - 1)}) {
    for (const uint64_t rounds : {0, 2}) {
      std::ofstream(curve, std::ios::trunc) << cut;
      const auto folder = ResultsFolder::Resume(folder_, {rounds}, {100 * rounds}, kNow);
      ASSERT_TRUE(folder.ok()) << folder.status();
      ASSERT_EQ((*folder)->AppendRound(member, 1.5, kNow), absl::OkStatus());
      EXPECT_EQ((*folder)->SyncRounds(), absl::OkStatus());
      EXPECT_TRUE(Read(curve).starts_with(header + "0,"));
    }
  }
  for (const std::string& foreign :
       {"x," + header, std::string("member,seed,other"), "x" + header + "0,1\n"}) {
    std::ofstream(curve, std::ios::trunc) << foreign;
    const absl::Status status = ResultsFolder::Resume(folder_, {2}, {200}, kNow).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(curve));
    EXPECT_EQ(Read(curve), foreign);
  }
}

TEST_F(ResultsFolderTest, AFolderThatCannotBeMadeIsNamed) {
  const auto folder = ResultsFolder::Create("/proc/no/such", {}, kNow);
  EXPECT_THAT(std::string(folder.status().message()), testing::HasSubstr("/proc/no/such"));
}

TEST_F(ResultsFolderTest, EveryRoundIsAlsoAnEventOfItsMembersRun) {
  const auto folder = ResultsFolder::Create(folder_, {}, kNow);
  ASSERT_TRUE(folder.ok());
  for (const uint32_t number : {0U, 2U}) {
    v1::MemberProgress member;
    member.set_member(number);
    ASSERT_TRUE((*folder)->AppendRound(member, 1.5, kNow).ok());
  }
  std::vector<std::string> runs;
  for (const auto& run : std::filesystem::directory_iterator(folder_ + "/tensorboard")) {
    runs.push_back(run.path().filename());
    EXPECT_FALSE(std::filesystem::is_empty(run));
  }
  EXPECT_THAT(runs, testing::UnorderedElementsAre("member_000", "member_002"));
}

TEST_F(ResultsFolderTest, AnEventFileThatCannotBeWrittenFailsTheRoundByName) {
  const auto folder = ResultsFolder::Create(folder_, {}, kNow);
  ASSERT_TRUE(folder.ok());
  std::ofstream(folder_ + "/tensorboard") << "in the way";
  const absl::Status status = (*folder)->AppendRound(v1::MemberProgress(), 1.5, kNow);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("tensorboard/member_000"));
}

}  // namespace
}  // namespace sr2l
