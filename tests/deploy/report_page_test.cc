// A report's page in a browser: Debian's package chromium.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/deploy/browser.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/written_run.h"

namespace sr2l {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

// Returns rise from seed to seed, and with `level`.
ReturnOf Rising(double level) {
  return [level](uint64_t seed, int round) {
    return level * round / (10.0 + round) + 3 * static_cast<double>(seed);
  };
}

void WriteStudy(const TemporaryFolder& folder) {
  const std::string start = "task { builtin: 'swimmer' } trpo {} rounds: 60 ";
  WriteRun(folder / "trpo", start + "members { seeds: [0..9] }", Rising(60));
  WriteRun(folder / "trpo_sr", start + "smoothness {} members { seeds: [0..9] }", Rising(90));
  WriteEvaluation(folder / "trpo", 10, 60000);
  WriteEvaluation(folder / "trpo_sr", 10, 60000);
}

class ReportPageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasChromium()) {
      GTEST_SKIP() << "there is no " << kChromium << ": install the package chromium";
    }
    WriteStudy(folder_);
    const ProgramResult report = RunProgram({Binary("sr2l"), "report", folder_ / "trpo",
                                             folder_ / "trpo_sr", "--out", folder_ / "report"});
    ASSERT_EQ(report.exit_code, 0) << report.errors;
  }

  // Replaces the first `old` in the page.
  void Damage(const std::string& old, const std::string& fresh) {
    std::string text = ReadFile(page_);
    ASSERT_NE(text.find(old), std::string::npos);
    WriteFile(page_, text.replace(text.find(old), old.size(), fresh));
  }

  const TemporaryFolder folder_;
  const std::string page_ = folder_ / "report/index.html";
};

TEST_F(ReportPageTest, ABrowserShowsItInLightAndDarkWithoutAnErrorOnTheConsole) {
  ExpectShown(page_, folder_ / "light.png", ColorScheme::kLight);
  ExpectShown(page_, folder_ / "dark.png", ColorScheme::kDark);
  EXPECT_NE(ReadFile(folder_ / "light.png"), ReadFile(folder_ / "dark.png"));
}

TEST_F(ReportPageTest, NothingIsTooSmallCutOffOrOnAnotherTextInLightAndDark) {
  for (const ColorScheme scheme : {ColorScheme::kLight, ColorScheme::kDark}) {
    const SeenPage seen(page_, scheme);
    EXPECT_THAT(seen.wrong(), IsEmpty());
    EXPECT_THAT(seen.Texts("percentiles_trpo_swimmer"),
                IsSupersetOf({"Percentile of seeds", "Final return", "TRPO", "TRPO-SR", "100"}));
  }
}

// The look itself is worth something: it sees pages that are not right.
TEST_F(ReportPageTest, WhatIsWrongWithAPageIsSeen) {
  Damage("<svg", "<svg style=\"font-size:1px;overflow:hidden\" class=\"damaged\"");
  Damage("</body>",
         "<style>.damaged text{transform:translate(300px,0)}</style>"
         "<script>console.error('on the console')</script></body>");
  WriteFile(folder_ / "report/figures/percentiles_trpo_swimmer.png", "no picture");
  const SeenPage seen(page_, ColorScheme::kLight);
  EXPECT_THAT(seen.wrong(), Contains(HasSubstr("cut off")));
  EXPECT_THAT(seen.wrong(), Contains(HasSubstr("on the console")));
  EXPECT_THAT(seen.wrong(), Contains(HasSubstr("percentiles_trpo_swimmer.png|is not loaded")));
}

}  // namespace
}  // namespace sr2l
