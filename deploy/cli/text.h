#ifndef SR2L_DEPLOY_CLI_TEXT_H_
#define SR2L_DEPLOY_CLI_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sr2l {

// How the command writes things for people.

// "950", "12.3k", "1.50M".
std::string FormatCount(double count);

// "3s", "4m05s", "2h07m"; not negative.
std::string FormatTimeSpan(absl::Duration duration);

// Four significant digits; "-" when it is not finite.
std::string FormatNumber(double number);

// Columns that UTF-8 text takes on a terminal, one per character.
size_t NumColumns(absl::string_view text);

// The first `columns` characters.
std::string TruncateColumns(absl::string_view text, size_t columns);

// Text from elsewhere, safe on a terminal and on one line: control characters become
// spaces.
std::string OneLine(absl::string_view text);

// The one of `known` that `word` most probably meant; empty when none is near.
std::string Nearest(absl::string_view word, const std::vector<std::string>& known);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_TEXT_H_
