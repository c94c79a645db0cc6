#ifndef SR2L_TESTS_FUZZ_LEARNER_FUZZ_H_
#define SR2L_TESTS_FUZZ_LEARNER_FUZZ_H_

#include <cstdint>

namespace sr2l {

// What a record of the target's input is: a SubmitRequest, a JoinRequest, a
// ReportFailureRequest, a ReportEvaluationRequest, or the number of an actor that leaves or of a
// member that stops.
enum class LearnerRecord : uint8_t {
  kSubmit,
  kJoin,
  kReportFailure,
  kLeave,
  kStopMember,
  kReportEvaluation,
};
inline constexpr int kLearnerRecords = 6;

// The one experiment of the target's fleet.
inline constexpr char kFuzzExperiment[] = "e";
// Of each of its members an evaluation is wanted after this round.
inline constexpr uint64_t kFuzzRound = 10;

// How many messages were accepted since the process started, for tests of the target.
struct LearnerFuzzCounts {
  uint64_t resolved = 0;
  uint64_t joined = 0;
  uint64_t failures = 0;
  uint64_t evaluations = 0;
  uint64_t refused = 0;
};
const LearnerFuzzCounts& LearnerCounts();

}  // namespace sr2l

#endif  // SR2L_TESTS_FUZZ_LEARNER_FUZZ_H_
