#ifndef SR2L_TESTS_DEPLOY_EVALUATION_CSV_H_
#define SR2L_TESTS_DEPLOY_EVALUATION_CSV_H_

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/deploy/run_program.h"

// What `sr2l evaluate` writes.
namespace sr2l {

using Arguments = std::vector<std::string>;
using Row = std::map<std::string, std::string>;

inline ProgramResult Sr2l(Arguments arguments) {
  arguments.insert(arguments.begin(), Binary("sr2l"));
  return RunProgram(arguments);
}

// `sr2l evaluate FOLDER --csv -` and further arguments; the CSV.
inline std::string Csv(const std::string& folder, const Arguments& further) {
  Arguments arguments = {"evaluate", folder, "--csv", "-"};
  arguments.insert(arguments.end(), further.begin(), further.end());
  const ProgramResult result = Sr2l(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.errors, "");
  return result.output;
}

// A row per line after the first, by the column names in that one.
inline std::vector<Row> Parse(const std::string& csv) {
  const std::vector<std::string> lines = absl::StrSplit(csv, '\n', absl::SkipEmpty());
  const std::vector<std::string> names = absl::StrSplit(lines.at(0), ',');
  std::vector<Row> rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = absl::StrSplit(lines[i], ',');
    EXPECT_EQ(cells.size(), names.size());
    rows.emplace_back();
    for (size_t j = 0; j < names.size(); ++j) rows.back()[names[j]] = cells.at(j);
  }
  return rows;
}

}  // namespace sr2l

#endif  // SR2L_TESTS_DEPLOY_EVALUATION_CSV_H_
