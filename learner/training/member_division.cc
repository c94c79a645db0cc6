#include "learner/training/member_division.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sr2l {
namespace {

// Members 0..count-1 in `parts` runs of nearly equal length.
std::vector<std::vector<uint32_t>> Divide(uint32_t count, uint32_t parts) {
  std::vector<std::vector<uint32_t>> runs(parts);
  for (uint32_t part = 0; part < parts; ++part) {
    for (uint32_t i = count * part / parts; i < count * (part + 1) / parts; ++i) {
      runs[part].push_back(i);
    }
  }
  return runs;
}

}  // namespace

std::vector<std::vector<uint32_t>> DivideMembers(uint32_t num_members, const Checkpoints& saved,
                                                 uint32_t parts) {
  // A checkpoint may be of position 0, too.
  std::map<std::pair<bool, uint64_t>, std::vector<uint32_t>> by_start;
  for (uint32_t member = 0; member < num_members; ++member) {
    const auto checkpoint = saved.find(member);
    if (checkpoint == saved.end()) {
      by_start[{false, 0}].push_back(member);
    } else if (!checkpoint->second.progress().failed()) {
      by_start[{true, checkpoint->second.position()}].push_back(member);
    }
  }
  std::vector<std::vector<uint32_t>> runs;
  for (const auto& [start, members] : by_start) {
    const uint32_t count = static_cast<uint32_t>(members.size());
    for (const std::vector<uint32_t>& run : Divide(count, std::min(count, parts))) {
      runs.emplace_back();
      for (const uint32_t i : run) runs.back().push_back(members[i]);
    }
  }
  return runs;
}

}  // namespace sr2l
