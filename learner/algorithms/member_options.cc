#include "learner/algorithms/member_options.h"

#include <cmath>

#include "learner/algorithms/require.h"

namespace sr2l {

void CheckMembers(const std::vector<MemberOptions>& members) {
  Require(!members.empty(), "the number of members", ">= 1", members.size());
  for (const MemberOptions& member : members) {
    Require(member.coefficient >= 0 && std::isfinite(member.coefficient), "coefficient", ">= 0",
            member.coefficient);
  }
}

void CheckPerturbation(const SmoothnessOptions& smoothness,
                       const std::vector<MemberOptions>& members) {
  Perturbation::Check(smoothness, Balls(members));
}

std::vector<uint64_t> Seeds(const std::vector<MemberOptions>& members) {
  std::vector<uint64_t> seeds;
  for (const MemberOptions& member : members) seeds.push_back(member.seed);
  return seeds;
}

std::vector<PerturbationMember> Balls(const std::vector<MemberOptions>& members) {
  std::vector<PerturbationMember> balls;
  for (const MemberOptions& member : members) balls.push_back({member.seed, member.radius});
  return balls;
}

}  // namespace sr2l
