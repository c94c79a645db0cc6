#ifndef SR2L_DEPLOY_REPORT_RUN_DATA_H_
#define SR2L_DEPLOY_REPORT_RUN_DATA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "sr2l/v1/experiment.pb.h"

namespace sr2l {

// Which returns make a learning curve.
enum class CurveKind {
  kTraining,    // of the episodes that ended while steps were collected; of curve.csv
  kEvaluation,  // of evaluations during training; of evaluations.csv
};

// A round in which episodes ended, or an evaluation.
struct CurvePoint {
  double env_steps = 0;
  double return_mean = 0;  // of those episodes
};

// A row of evaluation.csv. Numbers that it leaves empty are NaN.
struct EvaluationPoint {
  std::string disturbance;  // "none", "random" or "adversarial"
  double radius = 0;
  std::string actions;  // "sampled" or "mean"
  uint64_t evaluation_seed = 0;
  uint64_t policy_version = 0;
  double env_steps = 0;  // that the policy had learned from
  double episodes = 0;
  double return_mean = 0;
  double sm = 0;
  double fluctuation = 0;
  double local_lipschitz = 0;
  double jacobian_spectral = 0;
  double probe_radius = 0;  // of the balls in which smoothness was measured
};

struct MemberData {
  uint64_t seed = 0;
  double radius = 0;  // 0 without smoothness
  double coefficient = 0;
  uint64_t rounds = 0;            // finished
  double env_steps = 0;           // in them
  std::vector<CurvePoint> curve;  // in the order of time
  // Each disturbance and radius once; empty: was not evaluated.
  std::vector<EvaluationPoint> evaluation;
};

// A run's folder as a report sees it. A plain value.
struct RunData {
  std::string folder;
  CurveKind curve_kind = CurveKind::kTraining;
  v1::ExperimentConfig config;      // with every default; members one by one
  std::string version;              // of what trained it; empty: no policy was written yet
  std::vector<MemberData> members;  // as in config
};

// Reads, changing nothing; also while the run trains. Errors name the folder or the file:
// NotFound: no run's folder; FailedPrecondition: another version's, or no round is finished;
// or there is no evaluation for its curves; InvalidArgument: something in it is damaged.
absl::StatusOr<RunData> ReadRun(const std::string& folder,
                                CurveKind curve_kind = CurveKind::kTraining);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_RUN_DATA_H_
