// From which checkpoints a member goes on, with what the replay still has.
#include "learner/training/resume_point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;

class ResumePointTest : public ::testing::Test {
 protected:
  ResumePointTest() {
    config_.mutable_ddpg()->set_steps_per_cycle(20);
    config_.set_streams_per_member(2);
    config_.mutable_members()->add_member();
  }

  // After `cycles`, when the streams had these steps.
  void Write(uint64_t cycles, const std::vector<uint64_t>& end_steps) {
    v1::Checkpoint checkpoint;
    checkpoint.set_position(cycles);
    v1::MemberCheckpoint& member = *checkpoint.add_members();
    member.set_position(cycles);
    member.mutable_off_policy()->mutable_end_step()->Assign(end_steps.begin(), end_steps.end());
    ASSERT_TRUE(folder_.Write(checkpoint).ok());
  }

  // The cycles that member 0 goes on after, 0 when it begins anew; or the error.
  absl::StatusOr<uint64_t> ResumedCycle(const HeldSteps& held) {
    const absl::StatusOr<Checkpoints> saved = ReadCheckpoints("e", config_, {{0, held}}, folder_);
    if (!saved.ok()) return saved.status();
    return saved->empty() ? 0 : saved->at(0).position();
  }

  void ExpectLost(const HeldSteps& held, const std::string& text) {
    const absl::Status status = ResumedCycle(held).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }

  TemporaryFolder temporary_;
  CheckpointFolder folder_ = *CheckpointFolder::Open(temporary_ / "checkpoints");
  v1::ExperimentConfig config_;
};

TEST_F(ResumePointTest, SynchronousTheReplayMustHaveAllStepsFromTheCheckpointOn) {
  EXPECT_EQ(*ResumedCycle({.begin = 0, .end = 0, .next_steps = {0, 0}}), 0);
  Write(30, {300, 300});
  Write(40, {400, 400});
  EXPECT_EQ(*ResumedCycle({.begin = 400, .end = 400, .next_steps = {400, 410}}), 40);
  EXPECT_EQ(*ResumedCycle({.begin = 300, .end = 399, .next_steps = {399, 410}}), 30);
  EXPECT_EQ(*ResumedCycle({.begin = 0, .end = 299, .next_steps = {299, 299}}), 0);
  ExpectLost({.begin = 301, .end = 399, .next_steps = {399, 399}}, "released");
  ExpectLost({.begin = 401, .end = 500, .next_steps = {500, 500}}, "released");
  ExpectLost({.begin = 0, .end = 0, .next_steps = {0, 0}}, "lost steps, it holds 0");
}

TEST_F(ResumePointTest, FreeRunningTheReplayMustHaveHadEveryStepThatWasLearnedFrom) {
  config_.set_collection(v1::FREE_RUNNING);
  EXPECT_EQ(*ResumedCycle({.begin = 0, .end = 10, .next_steps = {10, 20}}), 0);
  Write(30, {350, 290});
  Write(40, {480, 370});
  // What was overwritten since is not missed.
  EXPECT_EQ(*ResumedCycle({.begin = 1000, .end = 2000, .next_steps = {2000, 2100}}), 40);
  EXPECT_EQ(*ResumedCycle({.begin = 0, .end = 370, .next_steps = {480, 370}}), 40);
  EXPECT_EQ(*ResumedCycle({.begin = 0, .end = 370, .next_steps = {479, 370}}), 30);
  // Nobody begins anew with steps of policies that are forgotten.
  ExpectLost({.begin = 0, .end = 289, .next_steps = {350, 289}}, "after step 290 of its stream 1");
  ExpectLost({.begin = 0, .end = 0, .next_steps = {0, 0}}, "lost steps, it holds 0");
}

// Nor is it told apart from a beginning later, when the file is set aside already.
TEST_F(ResumePointTest, FreeRunningWhatOnlyADamagedCheckpointKnewEndsIt) {
  config_.set_collection(v1::FREE_RUNNING);
  Write(30, {350, 290});
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(temporary_ / "checkpoints")) {
    file = entry.path();
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  }
  for (int start = 0; start < 2; ++start) {
    ExpectLost({.begin = 0, .end = 500, .next_steps = {500, 500}}, file + ".damaged");
  }
}

TEST_F(ResumePointTest, WhyThereIsNoCheckpointIsToldWhereTheBeginningIsReleased) {
  Write(30, {300, 300});
  Write(40, {400, 400});
  std::string file = temporary_ / "checkpoints/members_000_0000000040.checkpoint";
  ASSERT_TRUE(std::filesystem::exists(file));
  std::filesystem::resize_file(file, 3);
  const HeldSteps held = {.begin = 310, .end = 500, .next_steps = {500, 500}};
  ExpectLost(held, file + ".damaged");
  ExpectLost(held, "after step 300 of its streams: the replay has released what came before");
}

}  // namespace
}  // namespace sr2l
