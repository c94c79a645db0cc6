#ifndef SR2L_TESTS_DEPLOY_BROWSER_H_
#define SR2L_TESTS_DEPLOY_BROWSER_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/deploy/report_files.h"
#include "tests/deploy/run_program.h"
#include "tests/deploy/temporary_folder.h"

// A report's page as headless Chromium (Debian's package chromium) lays it out.
namespace sr2l {

inline constexpr char kChromium[] = "/usr/bin/chromium";

inline bool HasChromium() { return std::filesystem::exists(kChromium); }

enum class ColorScheme { kDark = 0, kLight = 1 };  // the numbers are Chromium's

inline ProgramResult RunChromium(const std::string& page, ColorScheme scheme,
                                 const std::string& action) {
  ProgramResult shown =
      RunProgram({kChromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                  "--enable-logging=stderr",
                  absl::StrCat("--blink-settings=preferredColorScheme=", static_cast<int>(scheme)),
                  "--window-size=1400,2400", action, "file://" + page});
  EXPECT_EQ(shown.exit_code, 0) << shown.errors;
  return shown;
}

// Lines "KIND FIGURE|WHAT": every text of a figure ("text"), the colour of every line that is
// longer than a legend's sample ("line"), and whatever a reader would miss ("wrong").
inline constexpr char kLookScript[] = R"html(
<pre id="seen"></pre>
<script>
addEventListener('load', () => {
  const seen = [];
  const tell = (kind, figure, what) => seen.push(`${kind} ${figure}|${what}`);
  for (const image of document.images) {
    if (!image.complete || !image.naturalWidth) tell('wrong', image.alt, 'is not loaded');
  }
  const share = (a, b) =>
      Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
      Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)) /
      Math.min(a.width * a.height, b.width * b.height);
  for (const figure of document.querySelectorAll('figure')) {
    const svg = figure.querySelector('svg');
    const frame = svg.getBoundingClientRect();
    if (frame.width < 300 || frame.height < 200) tell('wrong', figure.id, 'is too small');
    if (frame.right > document.documentElement.clientWidth) tell('wrong', figure.id, 'sticks out');
    const before = [];
    for (const text of svg.querySelectorAll('text')) {
      const words = text.textContent.trim();
      if (!words) continue;
      tell('text', figure.id, words);
      const box = text.getBoundingClientRect();
      if (Math.min(box.width, box.height) < (words.length > 1 ? 9 : 4)) {
        tell('wrong', figure.id, `too small to read: ${words}`);
      }
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 ||
          box.bottom > frame.bottom + 1) {
        tell('wrong', figure.id, `cut off: ${words}`);
      }
      const ink = getComputedStyle(text.querySelector('tspan') || text).fill.match(/\d+/g);
      if (!ink || ink.slice(0, 3).some(part => part > 128)) {
        tell('wrong', figure.id, `too light on white: ${words}`);
      }
      for (const other of before) {
        if (share(box, other.box) > 0.1) {
          tell('wrong', figure.id, `on each other: ${words}, ${other.words}`);
        }
      }
      before.push({box, words});
    }
    for (const path of svg.querySelectorAll('path')) {
      if (path.getBoundingClientRect().width < frame.width / 4) continue;
      tell('line', figure.id, getComputedStyle(path).stroke);
    }
  }
  document.getElementById('seen').textContent = seen.join('\n');
});
</script>
)html";

// What a browser sees of a report's page.
class SeenPage {
 public:
  // Looks at a copy of `page` with the script above and the pictures beside the page.
  SeenPage(const std::string& page, ColorScheme scheme) {
    namespace fs = std::filesystem;
    std::string text = ReadFile(page);
    std::string added = kLookScript;
    const fs::path folder = fs::path(page).parent_path();
    for (const auto& file : fs::directory_iterator(folder / "figures")) {
      if (file.path().extension() == ".gnuplot") continue;
      const std::string name = file.path().filename();
      absl::StrAppend(&added, "<img src=\"figures/", name, "\" alt=\"", name, "\">\n");
    }
    text.insert(text.rfind("</body>"), added);
    const std::string copy = folder / "looked_at.html";
    WriteFile(copy, text);
    Look(RunChromium(copy, scheme, "--dump-dom"));
    fs::remove(copy);
  }

  // What stands in a figure as text; the colours of its lines.
  std::set<std::string> Texts(const std::string& figure) const { return Of("text", figure); }
  std::set<std::string> Lines(const std::string& figure) const { return Of("line", figure); }

  // What a reader would miss, and what the page says on the console.
  const std::vector<std::string>& wrong() const { return wrong_; }

 private:
  void Look(const ProgramResult& shown) {
    for (const absl::string_view line : absl::StrSplit(shown.errors, '\n')) {
      if (absl::StrContains(line, "CONSOLE")) wrong_.emplace_back(line);
    }
    const std::string start = "<pre id=\"seen\">";
    const size_t from = shown.output.find(start);
    const size_t end = shown.output.find("</pre>", from);
    if (from == std::string::npos || end == from + start.size()) {
      wrong_.push_back("nothing was seen: " + shown.errors);
      return;
    }
    const std::string text =
        absl::StrReplaceAll(shown.output.substr(from + start.size(), end - from - start.size()),
                            {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&nbsp;", " "}});
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      seen_.emplace_back(line);
      if (absl::StartsWith(line, "wrong ")) wrong_.emplace_back(line);
    }
  }

  std::set<std::string> Of(const std::string& kind, const std::string& figure) const {
    const std::string start = absl::StrCat(kind, " ", figure, "|");
    std::set<std::string> found;
    for (const std::string& line : seen_) {
      if (absl::StartsWith(line, start)) found.insert(line.substr(start.size()));
    }
    return found;
  }

  std::vector<std::string> seen_;
  std::vector<std::string> wrong_;
};

// A picture of the page, which must not be empty, in `picture`.
inline void ExpectShown(const std::string& page, const std::string& picture, ColorScheme scheme) {
  const ProgramResult shown = RunChromium(page, scheme, "--screenshot=" + picture);
  EXPECT_THAT(shown.errors, ::testing::Not(::testing::HasSubstr("CONSOLE")));
  const Png png = DecodePng(ReadFile(picture));
  EXPECT_EQ(png.width, 1400u);
  EXPECT_EQ(png.height, 2400u);
  EXPECT_GT(png.levels, 100);
}

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_BROWSER_H_
