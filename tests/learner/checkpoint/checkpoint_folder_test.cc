#include "learner/checkpoint/checkpoint_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace fs = std::filesystem;

// Members say where they are in a tensor's bytes.
v1::Checkpoint CheckpointAt(uint64_t position, const std::vector<uint32_t>& members = {3, 4}) {
  v1::Checkpoint checkpoint;
  checkpoint.set_experiment_id("e");
  checkpoint.set_position(position);
  for (const uint32_t number : members) {
    v1::MemberCheckpoint& member = *checkpoint.add_members();
    member.set_member(number);
    member.set_position(position);
    member.add_tensors()->set_values(std::string(50, static_cast<char>(position)));
  }
  return checkpoint;
}

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

bool Any(const v1::MemberCheckpoint& /*checkpoint*/) { return true; }

class CheckpointFolderTest : public ::testing::Test {
 protected:
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path_)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  TemporaryFolder temporary_;
  const std::string path_ = temporary_ / "checkpoints";
  CheckpointFolder folder_ = *CheckpointFolder::Open(path_);
  CheckpointFolder reopened_ = *CheckpointFolder::Open(path_);
  std::vector<std::string> damaged_;
};

TEST_F(CheckpointFolderTest, TheNewestOfEachMemberIsRead) {
  ASSERT_TRUE(folder_.Write(CheckpointAt(10)).ok());
  v1::Checkpoint later = CheckpointAt(20);
  later.mutable_members()->RemoveLast();
  ASSERT_TRUE(folder_.Write(later).ok());
  const std::map<uint32_t, v1::MemberCheckpoint> newest = folder_.ReadNewest(Any, damaged_);
  EXPECT_THAT(newest, SizeIs(2));
  EXPECT_EQ(newest.at(3).position(), 20);
  EXPECT_EQ(newest.at(4).position(), 10);
  EXPECT_EQ(newest.at(4).tensors(0).values(), std::string(50, 10));
  EXPECT_THAT(damaged_, IsEmpty());
}

TEST_F(CheckpointFolderTest, OnlyTheLastOnesAreKeptAndWhatComesBeforeThemIsDispensable) {
  EXPECT_EQ(*folder_.Write(CheckpointAt(10)), 0);  // a damaged one would mean the start
  EXPECT_EQ(*folder_.Write(CheckpointAt(20)), 10);
  EXPECT_EQ(*folder_.Write(CheckpointAt(30)), 20);
  EXPECT_THAT(Files(), SizeIs(CheckpointFolder::kKept));
}

TEST_F(CheckpointFolderTest, AFileThatIsCutOrChangedAnywhereIsPassedOverForTheOneBefore) {
  ASSERT_TRUE(folder_.Write(CheckpointAt(10)).ok());
  ASSERT_TRUE(folder_.Write(CheckpointAt(20)).ok());
  const fs::path newest = Files().back();
  const std::string bytes = Read(newest);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const bool cut : {true, false}) {
      std::string wrong = bytes;
      if (cut) {
        wrong.resize(i);
      } else {
        wrong[i] = static_cast<char>(wrong[i] ^ 0x10);
      }
      Write(newest, wrong);
      damaged_.clear();
      const auto read = folder_.ReadNewest(Any, damaged_);
      ASSERT_EQ(read.at(3).position(), 10) << i << (cut ? " cut" : " changed");
      ASSERT_THAT(damaged_, ElementsAre(HasSubstr(newest.filename().string()))) << i;
      ASSERT_FALSE(fs::exists(newest));
      ASSERT_EQ(Read(newest.string() + ".damaged"), wrong);
      ASSERT_THAT(reopened_.SetAside(), ElementsAre(newest.string() + ".damaged"));
    }
  }
}

TEST_F(CheckpointFolderTest, OneThatDoesNotFitIsPassedOverForTheOneBeforeAndGoesWithTheNext) {
  ASSERT_TRUE(folder_.Write(CheckpointAt(10)).ok());
  ASSERT_TRUE(folder_.Write(CheckpointAt(20)).ok());
  const auto fits = [](const v1::MemberCheckpoint& checkpoint) {
    return checkpoint.member() == 4 || checkpoint.position() < 20;
  };
  const auto read = folder_.ReadNewest(fits, damaged_);
  EXPECT_EQ(read.at(3).position(), 10);
  EXPECT_EQ(read.at(4).position(), 20);
  EXPECT_THAT(damaged_, IsEmpty());
  EXPECT_EQ(*folder_.Write(CheckpointAt(15)), 10);
  EXPECT_EQ(folder_.ReadNewest(Any, damaged_).at(4).position(), 15);
  EXPECT_THAT(Files(), SizeIs(2));
}

TEST_F(CheckpointFolderTest, ADamagedOneDoesNotCountAmongThoseThatAreKept) {
  ASSERT_TRUE(folder_.Write(CheckpointAt(10)).ok());
  ASSERT_TRUE(folder_.Write(CheckpointAt(20)).ok());
  Write(Files().back(), "damaged");
  folder_.ReadNewest(Any, damaged_);
  EXPECT_EQ(*folder_.Write(CheckpointAt(15)), 10);
  EXPECT_EQ(*folder_.Write(CheckpointAt(18)), 15);
}

// A resumed experiment may train together other members than the one before.
TEST_F(CheckpointFolderTest, AFileStaysUntilNoneOfItsMembersNeedsIt) {
  ASSERT_TRUE(folder_.Write(CheckpointAt(10)).ok());
  ASSERT_TRUE(folder_.Write(CheckpointAt(20)).ok());
  CheckpointFolder resumed = *CheckpointFolder::Open(path_);
  EXPECT_EQ(*resumed.Write(CheckpointAt(30, {3})), 20);
  EXPECT_EQ(*resumed.Write(CheckpointAt(40, {3})), 30);
  EXPECT_EQ(*resumed.Write(CheckpointAt(50, {3})), 40);
  EXPECT_THAT(Files(), SizeIs(4));
  std::map<uint32_t, v1::MemberCheckpoint> newest = resumed.ReadNewest(Any, damaged_);
  EXPECT_EQ(newest.at(3).position(), 50);
  EXPECT_EQ(newest.at(4).position(), 20);
  EXPECT_EQ(*resumed.Write(CheckpointAt(30, {4})), 20);
  EXPECT_THAT(Files(), SizeIs(4));
  EXPECT_EQ(*resumed.Write(CheckpointAt(40, {4})), 30);
  EXPECT_THAT(Files(), SizeIs(4));
  EXPECT_EQ(*resumed.Write(CheckpointAt(60)), 40);
  EXPECT_EQ(*resumed.Write(CheckpointAt(70)), 60);
  EXPECT_THAT(Files(), SizeIs(2));
}

TEST_F(CheckpointFolderTest, OneOfFewerMembersAtTheSamePositionTakesNothingFromTheOthers) {
  ASSERT_TRUE(folder_.Write(CheckpointAt(10)).ok());
  ASSERT_TRUE(folder_.Write(CheckpointAt(10, {3})).ok());
  ASSERT_TRUE(folder_.Write(CheckpointAt(10, {3})).ok());
  EXPECT_THAT(Files(), SizeIs(2));
  EXPECT_EQ(folder_.ReadNewest(Any, damaged_).at(4).position(), 10);
  // The same state twice is one.
  EXPECT_EQ(*folder_.Write(CheckpointAt(20, {3})), 10);
  EXPECT_EQ(*folder_.Write(CheckpointAt(20, {4})), 10);
  EXPECT_EQ(*folder_.Write(CheckpointAt(30)), 20);
}

// In DDPG members of one cohort may be a cycle apart; a file is named by the one that is behind.
TEST_F(CheckpointFolderTest, MembersThatAreACycleApartKeepTheirLastStatesEach) {
  const auto write = [this](uint64_t third, uint64_t fourth) {
    v1::Checkpoint checkpoint = CheckpointAt(std::min(third, fourth));
    checkpoint.mutable_members(0)->set_position(third);
    checkpoint.mutable_members(1)->set_position(fourth);
    return *folder_.Write(checkpoint);
  };
  write(9, 9);
  for (uint64_t cycle = 10; cycle < 20; ++cycle) {
    EXPECT_EQ(write(cycle, cycle - 1), cycle == 10 ? 0 : cycle - 2) << cycle;
    EXPECT_EQ(write(cycle, cycle), cycle - 1) << cycle;
    EXPECT_THAT(Files(), SizeIs(::testing::Le(3)));
    for (const uint64_t member : {3, 4}) {
      std::vector<uint64_t> states;
      folder_.ReadNewest(
          [&](const v1::MemberCheckpoint& state) {
            if (state.member() == member) states.push_back(state.position());
            return false;
          },
          damaged_);
      EXPECT_THAT(states, ElementsAre(cycle, cycle - 1)) << cycle;
    }
  }
}

TEST_F(CheckpointFolderTest, MoreThanOneMessageMayHaveIsInSeveralFiles) {
  const size_t two_members = CheckpointAt(10).ByteSizeLong();
  const auto write = [&](CheckpointFolder& folder, uint64_t position) {
    v1::Checkpoint checkpoint = CheckpointAt(position, {3, 4, 5, 6, 7});
    checkpoint.mutable_members(3)->set_position(position - 1);
    return *folder.Write(checkpoint);
  };
  CheckpointFolder folder = *CheckpointFolder::Open(path_, two_members);
  EXPECT_EQ(write(folder, 10), 0);
  EXPECT_THAT(Files(), SizeIs(3));
  EXPECT_EQ(write(folder, 20), 9);
  EXPECT_EQ(write(folder, 30), 19);
  EXPECT_THAT(Files(), SizeIs(3 * CheckpointFolder::kKept));
  for (const fs::path& path : Files()) EXPECT_LE(fs::file_size(path), two_members + 200);
  const std::map<uint32_t, v1::MemberCheckpoint> newest = reopened_.ReadNewest(Any, damaged_);
  EXPECT_THAT(newest, SizeIs(5));
  for (const auto& [member, state] : newest) {
    EXPECT_EQ(state.position(), member == 6 ? 29 : 30);
    EXPECT_EQ(state.tensors(0).values(), std::string(50, 30));
  }
  // A member that is larger is written alone.
  CheckpointFolder small = *CheckpointFolder::Open(path_, 1);
  EXPECT_EQ(write(small, 40), 29);
  EXPECT_THAT(Files(), SizeIs(3 + 5));
  EXPECT_THAT(damaged_, IsEmpty());
}

TEST_F(CheckpointFolderTest, WhoGoesBackTakesItsLaterStatesAlong) {
  ASSERT_TRUE(folder_.Write(CheckpointAt(10)).ok());
  ASSERT_TRUE(folder_.Write(CheckpointAt(30)).ok());
  EXPECT_EQ(*folder_.Write(CheckpointAt(20, {3})), 10);
  for (CheckpointFolder* folder : {&folder_, &reopened_}) {
    const std::map<uint32_t, v1::MemberCheckpoint> newest = folder->ReadNewest(Any, damaged_);
    EXPECT_EQ(newest.at(3).position(), 20);
    EXPECT_EQ(newest.at(4).position(), 30);
    EXPECT_EQ(newest.at(4).tensors(0).values(), std::string(50, 30));
  }
  EXPECT_THAT(damaged_, IsEmpty());
}

TEST_F(CheckpointFolderTest, AMissingFolderAndHalfWrittenFilesHoldNothing) {
  Write(path_ + "/members_003_0000000010.checkpoint.tmp", "half");
  Write(path_ + "/notes.txt", "mine");
  EXPECT_THAT(folder_.ReadNewest(Any, damaged_), IsEmpty());
  EXPECT_THAT(damaged_, IsEmpty());
}

TEST_F(CheckpointFolderTest, AFolderThatCannotBeMadeIsNamed) {
  EXPECT_THAT(std::string(CheckpointFolder::Open("/proc/no/such").status().message()),
              HasSubstr("/proc/no/such"));
}

}  // namespace
}  // namespace sr2l
