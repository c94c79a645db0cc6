#include "deploy/report/csv_columns.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "deploy/cli/learning_curve.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

absl::StatusOr<std::vector<size_t>> FindColumns(const std::string& path,
                                                const std::vector<std::string>& header,
                                                const std::vector<std::string>& names) {
  std::vector<size_t> columns;
  for (const std::string& name : names) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, " was written by another version of sr2l: it has no column ", name));
    }
    columns.push_back(static_cast<size_t>(found - header.begin()));
  }
  return columns;
}

}  // namespace

absl::StatusOr<std::vector<CsvRow>> ReadCsvColumns(const std::string& path,
                                                   const std::vector<std::string>& names) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return absl::NotFoundError(absl::StrCat("there is no ", path));
  const std::vector<std::string> header = SplitCsvLine(line);
  SR2L_ASSIGN_OR_RETURN(const std::vector<size_t> columns, FindColumns(path, header, names));
  std::vector<CsvRow> rows;
  for (int number = 2; std::getline(file, line) && !file.eof(); ++number) {
    const std::vector<std::string> cells = SplitCsvLine(line);
    if (cells.size() != header.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": not a row of ", header.size(), " columns"));
    }
    rows.push_back({.line = number, .cells = {}});
    for (const size_t column : columns) rows.back().cells.push_back(cells[column]);
  }
  return rows;
}

absl::StatusOr<double> NumberOf(const std::string& path, const CsvRow& row, size_t cell) {
  const std::string& text = row.cells[cell];
  double number = std::numeric_limits<double>::quiet_NaN();
  if (text.empty() || absl::SimpleAtod(text, &number)) return number;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ":", row.line, ": not a number: ", OneLine(text)));
}

}  // namespace sr2l
