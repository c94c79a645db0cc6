// Who goes on together.
#include "learner/training/member_division.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sr2l {
namespace {

using ::testing::ElementsAre;

v1::MemberCheckpoint At(uint64_t position) {
  v1::MemberCheckpoint checkpoint;
  checkpoint.set_position(position);
  return checkpoint;
}

TEST(MemberDivisionTest, MembersThatBeginAreDividedEvenly) {
  EXPECT_THAT(DivideMembers(5, {}, 2), ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3, 4)));
  EXPECT_THAT(DivideMembers(2, {}, 8), ElementsAre(ElementsAre(0), ElementsAre(1)));
}

TEST(MemberDivisionTest, OnlyMembersAtOnePositionGoOnTogetherAndNoneThatFailed) {
  Checkpoints saved = {{0, At(7)}, {1, At(9)}, {2, At(7)}, {3, At(9)}};
  saved[3].mutable_progress()->set_failed(true);
  EXPECT_THAT(DivideMembers(4, saved, 1), ElementsAre(ElementsAre(0, 2), ElementsAre(1)));
}

TEST(MemberDivisionTest, WhoBeginsAnewDoesNotDoSoWithOneThatGoesOnFromACheckpointOfTheBeginning) {
  const Checkpoints saved = {{1, At(0)}, {2, At(0)}, {4, At(1)}};
  EXPECT_THAT(DivideMembers(6, saved, 1),
              ElementsAre(ElementsAre(0, 3, 5), ElementsAre(1, 2), ElementsAre(4)));
}

}  // namespace
}  // namespace sr2l
