#ifndef SR2L_COMMON_CONFIG_EXPANDED_TEXT_H_
#define SR2L_COMMON_CONFIG_EXPANDED_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// Protobuf text in which every range of integers inside a list, [0..3, 7], is written
// out, [0, 1, 2, 3, 7]. Comments and strings stay as they are, and so do line numbers.
class ExpandedText {
 public:
  // `original` is borrowed and must outlive the result. A range that goes downwards or is
  // too long (1000 elements, 10000 in all ranges together) is InvalidArgument,
  // "NAME:LINE:COLUMN: what", or just "what" when `name` is empty.
  static absl::StatusOr<ExpandedText> Create(absl::string_view original, const std::string& name);

  const std::string& text() const { return text_; }

  // "LINE:COLUMN" in the original, from 1, of a place in text(), from 0. Columns come in
  // as protobuf counts them (a tab leads to the next multiple of 8) and leave as bytes.
  std::string OriginalPosition(int line, int column) const;

 private:
  struct Expansion {
    size_t original_begin;
    size_t original_end;
    size_t begin;  // in text_
    size_t end;
  };

  explicit ExpandedText(absl::string_view original) : original_(original) {}

  void CopyUntil(size_t end, size_t& position);
  absl::Status ExpandRangeAt(size_t& position, const std::string& name);
  absl::Status ErrorAt(size_t original_offset, const std::string& name,
                       absl::string_view what) const;
  std::string PositionAt(size_t original_offset) const;

  absl::string_view original_;
  std::string text_;
  std::vector<Expansion> expansions_;  // in order
  size_t elements_ = 0;                // of all ranges
};

}  // namespace sr2l

#endif  // SR2L_COMMON_CONFIG_EXPANDED_TEXT_H_
