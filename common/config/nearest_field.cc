#include "common/config/nearest_field.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace sr2l {
namespace {

// Levenshtein's distance: insertions, deletions and replacements of one character.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);  // distances of a's first i characters to b's first j
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string NearestField(const google::protobuf::Descriptor& descriptor, absl::string_view name) {
  // What comes after so many characters no longer tells the fields apart.
  constexpr size_t kLongestName = 200;
  std::string nearest;
  size_t least = std::string::npos;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const std::string candidate(descriptor.field(i)->name());
    const size_t distance = EditDistance(name.substr(0, kLongestName), candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace sr2l
