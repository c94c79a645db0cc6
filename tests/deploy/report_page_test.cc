// A report's page in a browser: Debian's package chromium.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/deploy/report_files.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/written_run.h"

namespace sr2l {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kChromium[] = "/usr/bin/chromium";

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

// `scheme`: 0 dark, 1 light.
void ExpectShown(const std::string& page, const std::string& picture, int scheme) {
  const ProgramResult shown = RunProgram(
      {kChromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
       "--enable-logging=stderr", absl::StrCat("--blink-settings=preferredColorScheme=", scheme),
       "--window-size=1400,2400", "--screenshot=" + picture, "file://" + page});
  ASSERT_EQ(shown.exit_code, 0) << shown.errors;
  EXPECT_THAT(shown.errors, Not(HasSubstr("CONSOLE"))) << shown.errors;
  const Png png = DecodePng(ReadFile(picture));
  EXPECT_EQ(png.width, 1400u);
  EXPECT_EQ(png.height, 2400u);
  EXPECT_GT(png.levels, 100);
}

TEST(ReportPageTest, ABrowserShowsItInLightAndDarkWithoutAnErrorOnTheConsole) {
  if (!std::filesystem::exists(kChromium)) {
    GTEST_SKIP() << "there is no " << kChromium << ": install the package chromium";
  }
  const TemporaryFolder folder;
  WriteStudy(folder);
  const ProgramResult report = RunProgram(
      {Binary("sr2l"), "report", folder / "trpo", folder / "trpo_sr", "--out", folder / "report"});
  ASSERT_EQ(report.exit_code, 0) << report.errors;
  ExpectShown(folder / "report/index.html", folder / "light.png", 1);
  ExpectShown(folder / "report/index.html", folder / "dark.png", 0);
  EXPECT_NE(ReadFile(folder / "light.png"), ReadFile(folder / "dark.png"));
}

}  // namespace
}  // namespace sr2l
