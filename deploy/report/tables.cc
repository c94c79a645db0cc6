#include "deploy/report/tables.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "deploy/cli/text.h"
#include "deploy/report/evaluated.h"
#include "deploy/report/summary.h"

namespace sr2l {
namespace {

double Count(size_t count) { return static_cast<double>(count); }

// The cells by which a setting is known, at the start of every row.
std::vector<Table::Cell> SettingCells(const Panel& panel, const Setting& setting) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  return {panel.task, setting.label, setting.has_smoothness ? setting.radius : kNone,
          setting.has_smoothness ? setting.coefficient : kNone};
}

template <typename AddRows>
Table MakeTable(const Study& study, Table table, AddRows add_rows) {
  table.columns.insert(table.columns.begin(), {"task", "setting", "radius", "coefficient"});
  for (const Panel& panel : study.panels) {
    for (const Setting& setting : panel.settings) {
      add_rows(setting, [&](std::initializer_list<Table::Cell> cells) {
        std::vector<Table::Cell>& row = table.rows.emplace_back(SettingCells(panel, setting));
        row.insert(row.end(), cells);
      });
    }
  }
  return table;
}

Table FinalTable(const Study& study, size_t last) {
  return MakeTable(
      study,
      {.name = "final",
       .title = absl::StrCat("Final returns: means of the ", LastPoints(study, last)),
       .columns = {"seeds", "rounds_averaged", "final_mean", "final_std", "ci95_low", "ci95_high",
                   "worst_seed", "median_seed", "best_seed", "training_mean"},
       .rows = {}},
      [last](const Setting& setting, auto add) {
        const std::vector<double> returns = FinalReturns(setting, last);
        const Estimate estimate = EstimateMean(returns);
        add({Count(estimate.count), Count(RoundsAveraged(setting, last)), estimate.mean,
             estimate.deviation, estimate.interval.low, estimate.interval.high,
             Quantile(returns, 0), Quantile(returns, 0.5), Quantile(returns, 1),
             Mean(MeanReturns(setting))});
      });
}

Table EvaluationTable(const Study& study) {
  return MakeTable(
      study,
      {.name = "evaluation",
       .title = MannerOf(study).are_final ? "Final policies, clean and disturbed"
                                          : "Policies, not all of them final, clean and disturbed",
       .columns = {"disturbance", "disturbance_radius", "seeds", "episodes", "return_mean",
                   "return_std", "ci95_low", "ci95_high", "sm", "fluctuation", "local_lipschitz",
                   "jacobian_spectral"},
       .rows = {}},
      [](const Setting& setting, auto add) {
        for (const DisturbedReturn& row : DisturbedReturns(setting)) {
          add({row.disturbance, row.radius, Count(row.returns.count), row.episodes,
               row.returns.mean, row.returns.deviation, row.returns.interval.low,
               row.returns.interval.high, row.sm, row.fluctuation, row.local_lipschitz,
               row.jacobian_spectral});
        }
      });
}

Table SeedTable(const Study& study, size_t last) {
  return MakeTable(
      study,
      {.name = "seeds",
       .title = "Seeds",
       .columns = {"seed", "run", "rounds", "env_steps", "final", "training_mean"},
       .rows = {}},
      [last](const Setting& setting, auto add) {
        for (const SeedRun& seed : setting.seeds) {
          add({absl::StrCat(seed.member->seed), seed.run->folder, Count(seed.member->rounds),
               seed.member->env_steps, FinalReturn(*seed.member, last), MeanReturn(*seed.member)});
        }
      });
}

Table CurveTable(const Study& study) {
  return MakeTable(
      study,
      {.name = "curves",
       .title = "Learning curves",
       .for_people = false,
       .columns = {"seeds", "env_steps", "return_mean", "return_std"},
       .rows = {}},
      [](const Setting& setting, auto add) {
        for (const MeanPoint& point : MeanCurve(setting)) {
          add({Count(setting.seeds.size()), point.env_steps, point.mean, point.deviation});
        }
      });
}

// With quotes where a comma, a quote or the end of a line would end the cell.
std::string CsvCell(const Table::Cell& cell) {
  if (const std::string* const text = std::get_if<std::string>(&cell)) {
    if (text->find_first_of(",\"\n\r") == std::string::npos) return *text;
    return absl::StrCat("\"", absl::StrReplaceAll(OneLine(*text), {{"\"", "\"\""}}), "\"");
  }
  const double number = std::get<double>(cell);
  if (!std::isfinite(number)) return "";
  char digits[32];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof(digits), number);
  return std::string(digits, end.ptr);
}

}  // namespace

std::vector<Table> MakeTables(const Study& study, size_t last) {
  std::vector<Table> tables;
  for (Table& table : std::vector<Table>{FinalTable(study, last), EvaluationTable(study),
                                         SeedTable(study, last), CurveTable(study)}) {
    if (!table.rows.empty()) tables.push_back(std::move(table));
  }
  return tables;
}

const std::set<std::string>& TableNames() {
  static const auto* const names =
      new std::set<std::string>{"final", "evaluation", "seeds", "curves"};
  return *names;
}

std::string FormatCell(const Table::Cell& cell) {
  if (const std::string* const text = std::get_if<std::string>(&cell)) return OneLine(*text);
  const double number = std::get<double>(cell);
  // Counts of steps are whole numbers with more than four digits.
  if (number == std::floor(number) && std::fabs(number) < 1e15) {
    return absl::StrCat(static_cast<int64_t>(number));
  }
  return FormatNumber(number);
}

std::string FormatCsv(const Table& table) {
  std::string text = absl::StrCat(absl::StrJoin(table.columns, ","), "\n");
  for (const std::vector<Table::Cell>& row : table.rows) {
    absl::StrAppend(&text,
                    absl::StrJoin(row, ",",
                                  [](std::string* out, const Table::Cell& cell) {
                                    out->append(CsvCell(cell));
                                  }),
                    "\n");
  }
  return text;
}

std::string FormatMarkdown(const Table& table) {
  std::string text = absl::StrCat("| ", absl::StrJoin(table.columns, " | "), " |\n|");
  for (size_t i = 0; i < table.columns.size(); ++i) absl::StrAppend(&text, " --- |");
  absl::StrAppend(&text, "\n");
  for (const std::vector<Table::Cell>& row : table.rows) {
    for (const Table::Cell& cell : row) {
      absl::StrAppend(&text, "| ", absl::StrReplaceAll(FormatCell(cell), {{"|", "\\|"}}), " ");
    }
    absl::StrAppend(&text, "|\n");
  }
  return text;
}

}  // namespace sr2l
