#include "deploy/cli/text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "deploy/cli/text_table.h"

namespace sr2l {
namespace {

TEST(FormatCountTest, KeepsThreeDigits) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(999.6), "1.00k");
  EXPECT_EQ(FormatCount(1000), "1.00k");
  EXPECT_EQ(FormatCount(12345), "12.3k");
  EXPECT_EQ(FormatCount(9996), "10.0k");
  EXPECT_EQ(FormatCount(999600), "1.00M");
  EXPECT_EQ(FormatCount(1.5e6), "1.50M");
}

TEST(FormatTimeSpanTest, UsesTheTwoLargestUnits) {
  EXPECT_EQ(FormatTimeSpan(absl::Seconds(-5)), "0s");
  EXPECT_EQ(FormatTimeSpan(absl::Seconds(59.9)), "59s");
  EXPECT_EQ(FormatTimeSpan(absl::Seconds(60)), "1m00s");
  EXPECT_EQ(FormatTimeSpan(absl::Seconds(3599)), "59m59s");
  EXPECT_EQ(FormatTimeSpan(absl::Hours(26) + absl::Minutes(5)), "26h05m");
}

TEST(FormatNumberTest, WritesADashForWhatIsNoNumber) {
  EXPECT_EQ(FormatNumber(0.5), "0.5");
  EXPECT_EQ(FormatNumber(std::nan("")), "-");
  EXPECT_EQ(FormatNumber(INFINITY), "-");
}

TEST(OneLineTest, ControlCharactersBecomeSpaces) {
  EXPECT_EQ(OneLine("a\nb\033[31m\tc"), "a b [31m c");
}

TEST(TruncateColumnsTest, CountsCharactersAndNotBytes) {
  EXPECT_EQ(NumColumns("a±b"), 3U);
  EXPECT_EQ(TruncateColumns("a±b", 2), "a±");
  EXPECT_EQ(TruncateColumns("a±b", 9), "a±b");
  EXPECT_EQ(TruncateColumns("a±b", 0), "");
}

TEST(NearestTest, FindsTheTypingErrorAndNothingFarAway) {
  const std::vector<std::string> verbs = {"train", "tasks", "watch"};
  EXPECT_EQ(Nearest("trian", verbs), "train");
  EXPECT_EQ(Nearest("wath", verbs), "watch");
  EXPECT_EQ(Nearest("task", verbs), "tasks");
  EXPECT_EQ(Nearest("frobnicate", verbs), "");
  EXPECT_EQ(Nearest("train", {}), "");
}

TEST(TextTableTest, NumbersStandToTheRightAndTextToTheLeft) {
  TextTable table({"name", "n"});
  table.Add({"a", "1"});
  table.Add({"longer", "100"});
  table.Add({"c", "-"});
  EXPECT_EQ(table.Format(), "name      n\na         1\nlonger  100\nc         -\n");
}

}  // namespace
}  // namespace sr2l
