#include "deploy/cli/learning_curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/deploy/temporary_folder.h"

namespace sr2l {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(LearningCurveTest, ColumnsAreFoundByNameAndRowsByMember) {
  const TemporaryFolder folder;
  WriteFile(folder / "curve.csv",
            "round,member,nonsmoothness,return_mean\n"
            "1,0,0.5,10\n1,1,0.25,20\n2,0,,11\n2,1,0.125,\n");
  const auto curves = ReadLearningCurves(folder / "curve.csv");
  ASSERT_TRUE(curves.ok()) << curves.status();
  EXPECT_THAT(curves->at(0).returns, ElementsAre(10, 11));
  EXPECT_THAT(curves->at(1).returns, ElementsAre(20));
  EXPECT_THAT(curves->at(1).nonsmoothness, ElementsAre(0.25, 0.125));
}

TEST(LearningCurveTest, ARowThatIsCutShortIsAnErrorWithItsLine) {
  const TemporaryFolder folder;
  WriteFile(folder / "curve.csv", "member,return_mean,nonsmoothness\n0,1,2\n0,1\n");
  EXPECT_THAT(std::string(ReadLearningCurves(folder / "curve.csv").status().message()),
              HasSubstr("curve.csv:3: not a row of 3 columns"));
}

TEST(LearningCurveTest, AMissingColumnOrFileIsAnError) {
  const TemporaryFolder folder;
  WriteFile(folder / "curve.csv", "member,nonsmoothness\n");
  EXPECT_THAT(std::string(ReadLearningCurves(folder / "curve.csv").status().message()),
              HasSubstr("no column return_mean"));
  EXPECT_EQ(ReadLearningCurves(folder / "none.csv").status().code(),
            absl::StatusCode::kNotFound);
}

TEST(MeanOfLastTest, UsesTheEndAndAllWhenThereAreFewer) {
  EXPECT_DOUBLE_EQ(MeanOfLast({1, 2, 3, 4}, 2), 3.5);
  EXPECT_DOUBLE_EQ(MeanOfLast({1, 2, 3, 4}, 20), 2.5);
  EXPECT_TRUE(std::isnan(MeanOfLast({}, 20)));
}

TEST(SplitCsvLineTest, QuotedFieldsMayHoldCommasAndQuotes) {
  EXPECT_THAT(SplitCsvLine("a,,\"b,\"\"c\"\"\",d\r"), ElementsAre("a", "", "b,\"c\"", "d"));
  EXPECT_THAT(SplitCsvLine(""), ElementsAre(""));
}

}  // namespace
}  // namespace sr2l
