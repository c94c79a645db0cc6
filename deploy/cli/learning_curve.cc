#include "deploy/cli/learning_curve.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

// Where the columns stand that are read.
struct Columns {
  size_t member = 0;
  size_t return_mean = 0;
  size_t nonsmoothness = 0;
};

absl::StatusOr<size_t> FindColumn(const std::vector<std::string>& header,
                                  const std::string& name, const std::string& path) {
  const auto column = std::find(header.begin(), header.end(), name);
  if (column == header.end()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":1: no column ", name));
  }
  return static_cast<size_t>(column - header.begin());
}

absl::StatusOr<Columns> FindColumns(const std::vector<std::string>& header,
                                    const std::string& path) {
  Columns columns;
  SR2L_ASSIGN_OR_RETURN(columns.member, FindColumn(header, "member", path));
  SR2L_ASSIGN_OR_RETURN(columns.return_mean, FindColumn(header, "return_mean", path));
  SR2L_ASSIGN_OR_RETURN(columns.nonsmoothness, FindColumn(header, "nonsmoothness", path));
  return columns;
}

void AppendNumber(const std::string& field, std::vector<double>& numbers) {
  double number = 0;
  if (absl::SimpleAtod(field, &number) && std::isfinite(number)) numbers.push_back(number);
}

}  // namespace

absl::StatusOr<std::map<uint32_t, LearningCurve>> ReadLearningCurves(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return absl::NotFoundError(absl::StrCat("no learning curve at ", path));
  }
  const std::vector<std::string> header = SplitCsvLine(line);
  SR2L_ASSIGN_OR_RETURN(const Columns columns, FindColumns(header, path));
  std::map<uint32_t, LearningCurve> curves;
  for (int number = 2; std::getline(file, line); ++number) {
    const std::vector<std::string> fields = SplitCsvLine(line);
    uint32_t member = 0;
    if (fields.size() != header.size() || !absl::SimpleAtoi(fields[columns.member], &member)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": not a row of ", header.size(), " columns"));
    }
    AppendNumber(fields[columns.return_mean], curves[member].returns);
    AppendNumber(fields[columns.nonsmoothness], curves[member].nonsmoothness);
  }
  return curves;
}

double MeanOfLast(const std::vector<double>& numbers, size_t count) {
  if (numbers.empty()) return std::numeric_limits<double>::quiet_NaN();
  const size_t used = std::min(count, numbers.size());
  return std::accumulate(numbers.end() - static_cast<std::ptrdiff_t>(used), numbers.end(), 0.0) /
         static_cast<double>(used);
}

std::vector<std::string> SplitCsvLine(absl::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else if (line[i] != '\r') {
      fields.back() += line[i];
    }
  }
  return fields;
}

}  // namespace sr2l
