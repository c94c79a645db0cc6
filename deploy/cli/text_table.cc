#include "deploy/cli/text_table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/check.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

// Whether the column's cells, but for its heading, are numbers or empty.
bool IsNumeric(const std::vector<std::vector<std::string>>& rows, size_t column) {
  for (size_t row = 1; row < rows.size(); ++row) {
    const std::string& cell = rows[row][column];
    double number = 0;
    if (!cell.empty() && cell != "-" && !absl::SimpleAtod(cell, &number)) return false;
  }
  return rows.size() > 1;
}

}  // namespace

void TextTable::Add(std::vector<std::string> row) {
  SR2L_CHECK(row.size() == rows_[0].size());
  rows_.push_back(std::move(row));
}

std::string TextTable::Format() const {
  std::vector<std::string> lines(rows_.size());
  for (size_t column = 0; column < rows_[0].size(); ++column) {
    size_t width = 0;
    for (const auto& row : rows_) width = std::max(width, NumColumns(row[column]));
    const bool to_the_right = IsNumeric(rows_, column);
    for (size_t row = 0; row < rows_.size(); ++row) {
      const std::string& cell = rows_[row][column];
      const std::string padding(width - NumColumns(cell), ' ');
      absl::StrAppend(&lines[row], column == 0 ? "" : "  ", to_the_right ? padding : "", cell,
                      to_the_right ? "" : padding);
    }
  }
  std::string text;
  for (std::string& line : lines) {
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace sr2l
