#include "common/config/expanded_text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

constexpr uint64_t kMaxRange = 1000;
constexpr size_t kMaxElements = 10000;
constexpr int kTabWidth = 8;  // of protobuf's tokenizer

bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-' || c == '+';
}

size_t SkipDigits(absl::string_view text, size_t i) {
  while (i < text.size() && absl::ascii_isdigit(text[i])) ++i;
  return i;
}

size_t SkipBlanks(absl::string_view text, size_t i) {
  while (i < text.size() && (text[i] == ' ' || text[i] == '\t')) ++i;
  return i;
}

size_t EndOfString(absl::string_view text, size_t begin) {
  size_t i = begin + 1;
  while (i < text.size() && text[i] != text[begin] && text[i] != '\n') {
    i += text[i] == '\\' ? 2 : 1;
  }
  return std::min(i + 1, text.size());
}

// LOW..HIGH, where a word begins. `end` is 0 when there is no range.
struct RangeText {
  absl::string_view low;
  absl::string_view high;
  size_t end = 0;
};

RangeText MatchRange(absl::string_view text, size_t begin) {
  const size_t low_end = SkipDigits(text, begin);
  const size_t dots = SkipBlanks(text, low_end);
  if (low_end == begin || text.substr(dots, 2) != "..") return {};
  const size_t high = SkipBlanks(text, dots + 2);
  const size_t end = SkipDigits(text, high);
  if (end == high || (end < text.size() && IsWordCharacter(text[end]))) return {};
  return {text.substr(begin, low_end - begin), text.substr(high, end - high), end};
}

}  // namespace

absl::StatusOr<ExpandedText> ExpandedText::Create(absl::string_view original,
                                                  const std::string& name) {
  ExpandedText expanded(original);
  int depth = 0;  // of brackets
  for (size_t i = 0; i < original.size();) {
    const char c = original[i];
    if (c == '#') {
      expanded.CopyUntil(std::min(original.find('\n', i), original.size()), i);
    } else if (c == '"' || c == '\'') {
      expanded.CopyUntil(EndOfString(original, i), i);
    } else if (IsWordCharacter(c)) {
      if (depth > 0) SR2L_RETURN_IF_ERROR(expanded.ExpandRangeAt(i, name));
      size_t end = i;
      while (end < original.size() && IsWordCharacter(original[end])) ++end;
      expanded.CopyUntil(end, i);
    } else {
      if (c == '[') ++depth;
      if (c == ']' && depth > 0) --depth;
      expanded.CopyUntil(i + 1, i);
    }
  }
  return expanded;
}

void ExpandedText::CopyUntil(size_t end, size_t& position) {
  text_.append(original_.data() + position, end - position);
  position = end;
}

absl::Status ExpandedText::ExpandRangeAt(size_t& position, const std::string& name) {
  const RangeText range = MatchRange(original_, position);
  if (range.end == 0) return absl::OkStatus();
  uint64_t low = 0;
  uint64_t high = 0;
  const bool numbers = absl::SimpleAtoi(range.low, &low) && absl::SimpleAtoi(range.high, &high);
  if (!numbers || low > high || high - low >= kMaxRange) {
    return ErrorAt(position, name,
                   absl::StrCat("the range ", range.low, "..", range.high,
                                " must go upwards and have at most ", kMaxRange, " elements"));
  }
  elements_ += high - low + 1;
  if (elements_ > kMaxElements) {
    return ErrorAt(position, name,
                   absl::StrCat("all ranges together must have at most ", kMaxElements,
                                " elements"));
  }
  const size_t begin = text_.size();
  for (uint64_t value = low; value < high; ++value) absl::StrAppend(&text_, value, ", ");
  absl::StrAppend(&text_, high);
  expansions_.push_back({position, range.end, begin, text_.size()});
  position = range.end;
  return absl::OkStatus();
}

absl::Status ExpandedText::ErrorAt(size_t original_offset, const std::string& name,
                                   absl::string_view what) const {
  if (name.empty()) return absl::InvalidArgumentError(what);
  return absl::InvalidArgumentError(
      absl::StrCat(name, ":", PositionAt(original_offset), ": ", what));
}

std::string ExpandedText::OriginalPosition(int line, int column) const {
  size_t offset = 0;
  for (int i = 0; i < line && offset < text_.size(); ++i) {
    offset = std::min(text_.find('\n', offset), text_.size() - 1) + 1;
  }
  for (int at = 0; at < column && offset < text_.size() && text_[offset] != '\n'; ++offset) {
    at += text_[offset] == '\t' ? kTabWidth - at % kTabWidth : 1;
  }
  size_t original = offset;
  for (const Expansion& expansion : expansions_) {
    if (expansion.begin > offset) break;
    original = offset < expansion.end ? expansion.original_begin
                                      : expansion.original_end + (offset - expansion.end);
  }
  return PositionAt(std::min(original, original_.size()));
}

std::string ExpandedText::PositionAt(size_t original_offset) const {
  const absl::string_view before = original_.substr(0, original_offset);
  const size_t newline = before.rfind('\n');
  const size_t column =
      newline == absl::string_view::npos ? before.size() : before.size() - newline - 1;
  return absl::StrCat(std::count(before.begin(), before.end(), '\n') + 1, ":", column + 1);
}

}  // namespace sr2l
