#include "deploy/export/vectors.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace sr2l {
namespace {

std::string FormatFloat(float number) { return absl::StrFormat("%.9g", number); }

void AppendFormatted(std::string* text, float number) { text->append(FormatFloat(number)); }

// Columns that are called so in a header.
int CountColumns(const std::vector<absl::string_view>& header, absl::string_view prefix) {
  int count = 0;
  for (const absl::string_view name : header) count += absl::StartsWith(name, prefix) ? 1 : 0;
  return count;
}

}  // namespace

std::string FormatVectors(const Vectors& vectors) {
  std::vector<std::string> names;
  for (int i = 0; i < vectors.observation_dim; ++i)
    names.push_back(absl::StrCat("observation_", i));
  for (int i = 0; i < vectors.action_dim; ++i) names.push_back(absl::StrCat("action_", i));
  std::string csv = absl::StrJoin(names, ",") + "\n";
  for (size_t row = 0; row < vectors.count(); ++row) {
    const auto observation = vectors.observations.begin() + row * vectors.observation_dim;
    const auto control = vectors.controls.begin() + row * vectors.action_dim;
    absl::StrAppend(
        &csv,
        absl::StrJoin(observation, observation + vectors.observation_dim, ",", AppendFormatted),
        ",", absl::StrJoin(control, control + vectors.action_dim, ",", AppendFormatted), "\n");
  }
  return csv;
}

absl::StatusOr<Vectors> ParseVectors(absl::string_view csv) {
  const std::vector<absl::string_view> lines = absl::StrSplit(csv, '\n', absl::SkipEmpty());
  Vectors vectors;
  const std::vector<absl::string_view> header =
      absl::StrSplit(lines.empty() ? absl::string_view() : lines[0], ',');
  vectors.observation_dim = CountColumns(header, "observation_");
  vectors.action_dim = CountColumns(header, "action_");
  if (vectors.observation_dim == 0 || vectors.action_dim == 0 || lines.size() < 2) {
    return absl::InvalidArgumentError("line 1: there are no columns of observations and actions");
  }
  for (size_t line = 1; line < lines.size(); ++line) {
    const std::vector<absl::string_view> cells = absl::StrSplit(lines[line], ',');
    bool is_row = cells.size() == header.size();
    for (size_t i = 0; is_row && i < cells.size(); ++i) {
      float number = 0;
      is_row = absl::SimpleAtof(cells[i], &number);
      const bool is_observation = i < static_cast<size_t>(vectors.observation_dim);
      (is_observation ? vectors.observations : vectors.controls).push_back(number);
    }
    if (!is_row) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line + 1, ": not a row of ", header.size(), " numbers"));
    }
  }
  return vectors;
}

std::string FormatRows(const std::vector<float>& numbers, int columns) {
  std::string text;
  for (size_t i = 0; i < numbers.size(); ++i) {
    absl::StrAppend(&text, FormatFloat(numbers[i]), (i + 1) % columns == 0 ? "\n" : " ");
  }
  return text;
}

absl::StatusOr<std::vector<float>> ParseNumbers(absl::string_view text, size_t count) {
  std::vector<float> numbers;
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    float number = 0;
    if (!absl::SimpleAtof(word, &number)) {
      return absl::InvalidArgumentError(absl::StrCat("not a number: ", word));
    }
    numbers.push_back(number);
  }
  if (numbers.size() == count) return numbers;
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", count, " numbers, got ", numbers.size()));
}

}  // namespace sr2l
