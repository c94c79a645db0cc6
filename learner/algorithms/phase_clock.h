#ifndef SR2L_LEARNER_ALGORITHMS_PHASE_CLOCK_H_
#define SR2L_LEARNER_ALGORITHMS_PHASE_CLOCK_H_

#include <torch/types.h>

#include <chrono>

namespace sr2l {

// Divides the wall-clock time of an update among its phases. On a GPU the end of a phase
// waits for the work that it started (kWait), or counts only the time to start it (kNoWait).
class PhaseClock {
 public:
  enum class PhaseEnd { kWait, kNoWait };
  explicit PhaseClock(torch::Device device, PhaseEnd end = PhaseEnd::kWait);

  // Adds the time since the end of the phase before.
  void EndPhase(double& seconds);

 private:
  const torch::Device device_;
  const PhaseEnd end_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace sr2l

#endif  // SR2L_LEARNER_ALGORITHMS_PHASE_CLOCK_H_
