#ifndef SR2L_LEARNER_TRAINING_MEMBER_DIVISION_H_
#define SR2L_LEARNER_TRAINING_MEMBER_DIVISION_H_

#include <cstdint>
#include <vector>

#include "learner/training/resume_point.h"

namespace sr2l {

// Who trains together: members 0..num_members - 1 without those that failed, in cohorts whose
// members go on from checkpoints at one position, or all begin anew; at most `parts` cohorts for
// each position. Ascending.
std::vector<std::vector<uint32_t>> DivideMembers(uint32_t num_members, const Checkpoints& saved,
                                                 uint32_t parts);

}  // namespace sr2l

#endif  // SR2L_LEARNER_TRAINING_MEMBER_DIVISION_H_
