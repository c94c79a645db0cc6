#include "deploy/report/page.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/config/load.h"
#include "deploy/report/statistics.h"

namespace sr2l {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark;
  --ink: #1b1f24; --paper: #fbfbfa; --line: #d4d7dc; --soft: #5b6470; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --paper: #16191d; --line: #3a4048; --soft: #9aa4b0; }
}
body { margin: 0 auto; max-width: 88rem; padding: 1.5rem; color: var(--ink);
  background: var(--paper);
  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line); }
.soft { color: var(--soft); }
.figures { display: grid; gap: 1.25rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; background: #fff; color: #000;
  border: 1px solid var(--line); border-radius: 6px; }
figcaption { font-size: .875rem; margin-top: .4rem; color: var(--soft); }
figcaption b { color: var(--ink); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; border-bottom: 1px solid var(--line); text-align: left;
  white-space: nowrap; }
th.number, td.number { text-align: right; }
pre, code { font: .8125rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: 6px; }
)";

std::string Escape(const std::string& text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string FormatTable(const Table& table) {
  std::string html = "<div class=\"scroll\"><table>\n<tr>";
  const auto& first = table.rows.front();
  const auto kind = [&first](size_t column) {
    return std::holds_alternative<double>(first[column]) ? " class=\"number\"" : "";
  };
  for (size_t i = 0; i < table.columns.size(); ++i) {
    absl::StrAppend(&html, "<th", kind(i), ">",
                    Escape(absl::StrReplaceAll(table.columns[i], {{"_", " "}})), "</th>");
  }
  absl::StrAppend(&html, "</tr>\n");
  for (const std::vector<Table::Cell>& row : table.rows) {
    absl::StrAppend(&html, "<tr>");
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&html, "<td", kind(i), ">", Escape(FormatCell(row[i])), "</td>");
    }
    absl::StrAppend(&html, "</tr>\n");
  }
  return html + "</table></div>\n";
}

std::string FormatFigures(const PageContent& content) {
  if (content.plan->figures.empty()) return "<p>None could be drawn.</p>\n";
  std::string html = "<div class=\"figures\">\n";
  for (const Figure& figure : content.plan->figures) {
    absl::StrAppend(&html, FigureTag(figure.name), "\n",
                    InlineSvg(figure.name, content.drawings.at(figure.name)), "<figcaption><b>",
                    Escape(figure.title), ".</b> ", Escape(figure.caption),
                    "</figcaption>\n</figure>\n");
  }
  return html + "</div>\n";
}

std::string FormatMissing(const std::vector<MissingFigure>& missing) {
  if (missing.empty()) return "";
  std::string html = "<h2>What is left out</h2>\n";
  for (const MissingFigure& figure : missing) {
    absl::StrAppend(&html, "<p><b>", Escape(figure.title), "</b>: ", Escape(figure.reason),
                    ". To have it:</p>\n<pre>", Escape(figure.command), "</pre>\n");
  }
  return html;
}

std::string FormatNotes(const std::vector<std::string>& notes) {
  if (notes.empty()) return "";
  std::string html = "<h2>To be kept in mind</h2>\n<ul>\n";
  for (const std::string& note : notes) absl::StrAppend(&html, "<li>", Escape(note), "</li>\n");
  return html + "</ul>\n";
}

// Which runs there are, what trained them, and what they were told.
std::string FormatRuns(const Study& study) {
  Table table{
      .name = "runs",
      .title = "Runs",
      .columns = {"run", "experiment", "members", "rounds", "steps_per_round", "trained_by"},
      .rows = {}};
  std::string details;
  for (const RunData& run : study.runs) {
    table.rows.push_back({run.folder, run.config.name(), static_cast<double>(run.members.size()),
                          static_cast<double>(run.config.rounds()),
                          static_cast<double>(run.config.steps_per_round()),
                          run.version.empty() ? "no policy was written yet" : run.version});
    absl::StrAppend(&details, "<details><summary>Configuration of ", Escape(run.folder),
                    "</summary>\n<pre>", Escape(FormatExperiment(run.config)),
                    "</pre></details>\n");
  }
  return absl::StrCat("<h2>Runs</h2>\n", FormatTable(table), details);
}

std::string TaskNames(const Study& study) {
  std::set<std::string> names;
  for (const Panel& panel : study.panels) names.insert(panel.task);
  return absl::StrJoin(names, ", ");
}

}  // namespace

std::string FigureTag(const std::string& name) {
  return absl::StrCat("<figure id=\"", name, "\">");
}

std::string InlineSvg(const std::string& name, const std::string& svg) {
  const size_t start = svg.find("<svg");
  return absl::StrReplaceAll(start == std::string::npos ? svg : svg.substr(start),
                             {{"id=\"", absl::StrCat("id=\"", name, "_")},
                              {"id='", absl::StrCat("id='", name, "_")},
                              {"href='#", absl::StrCat("href='#", name, "_")},
                              {"href=\"#", absl::StrCat("href=\"#", name, "_")},
                              {"url(#", absl::StrCat("url(#", name, "_")}});
}

std::string FormatPage(const PageContent& content) {
  std::string html = absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
      "<link rel=\"icon\" href=\"data:,\">\n<title>sr2l: ", Escape(TaskNames(*content.study)),
      "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n<h1>",
      Escape(TaskNames(*content.study)), "</h1>\n<p class=\"soft\">Made by sr2l ", content.version,
      ". The figures lie in figures/ as SVG, PNG and gnuplot's input, the tables in tables/ as "
      "CSV ",
      "and Markdown. Standard deviations (n - 1) and 95 % intervals are over seeds; the intervals ",
      "are of the mean, by ", kBootstrapResamples, " bootstrap resamples, and optimistic for few ",
      "seeds.</p>\n");
  absl::StrAppend(&html, FormatNotes(content.study->notes), "<h2>Figures</h2>\n",
                  FormatFigures(content), FormatMissing(content.plan->missing));
  for (const Table& table : *content.tables) {
    if (!table.for_people) continue;
    absl::StrAppend(&html, "<h2>", Escape(table.title), "</h2>\n", FormatTable(table));
  }
  absl::StrAppend(&html, FormatRuns(*content.study), "</body>\n</html>\n");
  return html;
}

}  // namespace sr2l
