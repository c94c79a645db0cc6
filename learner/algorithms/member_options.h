#ifndef SR2L_LEARNER_ALGORITHMS_MEMBER_OPTIONS_H_
#define SR2L_LEARNER_ALGORITHMS_MEMBER_OPTIONS_H_

#include <cstdint>
#include <vector>

#include "learner/smoothness/perturbation.h"
#include "learner/smoothness/smoothness_options.h"

namespace sr2l {

// What tells the members of an experiment apart.
struct MemberOptions {
  uint64_t seed = 0;
  double radius = 0.01;    // of the perturbation, units of observation, > 0
  double coefficient = 1;  // lambda_s of the regularizer, >= 0; 0: none
};

// Throws std::invalid_argument, naming the option, its value and what is allowed. Radii are
// looked at only where there is a perturbation.
void CheckMembers(const std::vector<MemberOptions>& members);
void CheckPerturbation(const SmoothnessOptions& smoothness,
                       const std::vector<MemberOptions>& members);

std::vector<uint64_t> Seeds(const std::vector<MemberOptions>& members);
std::vector<PerturbationMember> Balls(const std::vector<MemberOptions>& members);

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_MEMBER_OPTIONS_H_
