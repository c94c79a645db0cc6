#include "replay/core/trajectory_log.h"

#include "absl/strings/str_cat.h"

namespace sr2l {

std::string ToText(const LogDamage& damage) {
  return absl::StrCat("stream ", damage.stream, ", steps ", damage.begin, " to ", damage.end, ": ",
                      damage.what);
}

}  // namespace sr2l
