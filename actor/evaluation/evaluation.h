#ifndef SR2L_ACTOR_EVALUATION_EVALUATION_H_
#define SR2L_ACTOR_EVALUATION_EVALUATION_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "actor/environment/compiled_task.h"
#include "actor/evaluation/episode_runner.h"
#include "actor/evaluation/evaluation_summary.h"
#include "common/policy/policy.h"

namespace sr2l {

// One policy under one disturbance.
struct EvaluationCase {
  std::shared_ptr<const Policy> policy;
  EpisodeOptions options;
};

struct EvaluationSize {
  int episodes = 10;  // of each case, numbered from 0; >= 1
  int threads = 1;    // >= 1; no result depends on it
};

// InvalidArgument unless the policy has as many inputs and outputs as the task.
absl::Status CheckFits(const Policy& policy, const CompiledTask& task);

// Runs all episodes of all cases on `threads` threads, this one among them, and returns a
// summary per case. The policies fit the task. `on_progress`, called from any of the threads
// but one at a time, is told how many episodes have ended. The first error by case and
// episode ends it early.
absl::StatusOr<std::vector<EvaluationSummary>> Evaluate(
    std::shared_ptr<const CompiledTask> task, const std::vector<EvaluationCase>& cases,
    const EvaluationSize& size, const std::function<void(size_t finished)>& on_progress);

}  // namespace sr2l

#endif  // SR2L_ACTOR_EVALUATION_EVALUATION_H_
