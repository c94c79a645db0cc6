#include "replay/core/wait_list.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sr2l {

std::vector<WaitList::Ended> WaitList::TakeOver() {
  std::vector<Ended> ended;
  for (auto entry = waits_.begin(); entry != waits_.end();) {
    const absl::StatusOr<bool> over = entry->second.is_over();
    if (over.ok() && !*over) {
      ++entry;
      continue;
    }
    ended.push_back({.wait = std::move(entry->second), .status = over.status()});
    entry = waits_.erase(entry);
  }
  return ended;
}

std::vector<WaitList::Ended> WaitList::TakeDropped(const std::string& experiment_id) {
  std::vector<Ended> ended;
  for (auto entry = waits_.begin(); entry != waits_.end();) {
    if (entry->second.experiment_id != experiment_id) {
      ++entry;
      continue;
    }
    absl::Status dropped =
        absl::CancelledError(absl::StrCat("experiment ", experiment_id, " was dropped while ",
                                          entry->second.what, " was waited for"));
    ended.push_back({.wait = std::move(entry->second), .status = std::move(dropped)});
    entry = waits_.erase(entry);
  }
  return ended;
}

std::optional<DrawRange> WaitList::FindDraw(const TableId& table) const {
  for (const auto& [id, wait] : waits_) {
    if (!wait.draw.has_value() || wait.experiment_id != table.experiment_id) continue;
    const bool listed = std::binary_search(wait.members.begin(), wait.members.end(), table.member);
    if (listed) return wait.draw;
  }
  return std::nullopt;
}

}  // namespace sr2l
