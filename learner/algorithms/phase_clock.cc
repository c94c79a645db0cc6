#include "learner/algorithms/phase_clock.h"

#include <torch/cuda.h>

namespace sr2l {

PhaseClock::PhaseClock(torch::Device device, PhaseEnd end)
    : device_(device), end_(end), begin_(std::chrono::steady_clock::now()) {}

void PhaseClock::EndPhase(double& seconds) {
  if (device_.is_cuda() && end_ == PhaseEnd::kWait) torch::cuda::synchronize(device_.index());
  const auto now = std::chrono::steady_clock::now();
  seconds += std::chrono::duration<double>(now - begin_).count();
  begin_ = now;
}

}  // namespace sr2l
