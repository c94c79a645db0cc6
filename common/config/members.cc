#include "common/config/members.h"

#include <algorithm>

namespace sr2l {
namespace {

template <typename T>
std::vector<T> ValuesOr(const google::protobuf::RepeatedField<T>& values, T otherwise) {
  if (values.empty()) return {otherwise};
  return {values.begin(), values.end()};
}

}  // namespace

int64_t CountMembers(const v1::ExperimentConfig& config) {
  const v1::MembersConfig& members = config.members();
  if (members.member_size() > 0) return members.member_size();
  const auto length = [](int size) { return static_cast<int64_t>(std::max(size, 1)); };
  return length(members.seeds_size()) * length(members.radius_size()) *
         length(members.coefficient_size());
}

std::vector<v1::MemberConfig> ExpandMembers(const v1::ExperimentConfig& config) {
  const bool smooth = config.has_smoothness();
  const double radius = smooth ? config.smoothness().radius() : 0;
  const double coefficient = smooth ? config.smoothness().coefficient() : 0;
  std::vector<v1::MemberConfig> expanded;
  const auto add = [&expanded](uint64_t seed, double member_radius, double member_coefficient) {
    v1::MemberConfig& member = expanded.emplace_back();
    member.set_seed(seed);
    member.set_radius(member_radius);
    member.set_coefficient(member_coefficient);
  };
  for (const v1::MemberConfig& member : config.members().member()) {
    add(member.seed(), member.has_radius() ? member.radius() : radius,
        member.has_coefficient() ? member.coefficient() : coefficient);
  }
  if (!expanded.empty()) return expanded;
  const v1::MembersConfig& lists = config.members();
  for (const double r : ValuesOr(lists.radius(), radius)) {
    for (const double c : ValuesOr(lists.coefficient(), coefficient)) {
      for (const uint64_t seed : ValuesOr(lists.seeds(), uint64_t{0})) add(seed, r, c);
    }
  }
  return expanded;
}

}  // namespace sr2l
