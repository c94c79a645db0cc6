#include "learner/tensorboard/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RecordFileTest, RecordsReadBackInTheirOrderAlsoEmptyOnes) {
  const std::string content = FrameRecord("one") + FrameRecord("") + FrameRecord("three");
  EXPECT_THAT(ReadRecords(content), ElementsAre("one", "", "three"));
  EXPECT_THAT(ReadRecords(""), IsEmpty());
}

TEST(RecordFileTest, AFileThatIsCutAnywhereKeepsTheRecordsBeforeTheCut) {
  const std::string first = FrameRecord("one");
  const std::string content = first + FrameRecord("two");
  for (size_t size = 0; size < content.size(); ++size) {
    EXPECT_EQ(ReadRecords(content.substr(0, size)).size(), size < first.size() ? 0U : 1U) << size;
  }
}

TEST(RecordFileTest, ARecordWithAnyChangedByteAndAllAfterItAreLeftOut) {
  const std::string first = FrameRecord("one");
  const std::string content = first + FrameRecord("two") + FrameRecord("three");
  for (size_t i = first.size(); i < first.size() + FrameRecord("two").size(); ++i) {
    std::string changed = content;
    changed[i] = static_cast<char>(changed[i] ^ 0x20);
    EXPECT_THAT(ReadRecords(changed), ElementsAre("one")) << i;
  }
}

}  // namespace
}  // namespace sr2l
