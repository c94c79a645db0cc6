#ifndef SR2L_DEPLOY_CLI_EVALUATION_TABLE_H_
#define SR2L_DEPLOY_CLI_EVALUATION_TABLE_H_

#include <string>
#include <vector>

#include "actor/evaluation/episode_runner.h"
#include "actor/evaluation/evaluation_summary.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// One policy under one disturbance, evaluated. A plain value; `member` is borrowed.
struct EvaluationRow {
  const v1::TrainedMember* member = nullptr;
  EpisodeOptions options;
  double control_rate = 0;  // steps per simulated second, Hz
  EvaluationSummary summary;
};

// "none", "random" or "adversarial".
std::string NameOf(Disturbance::Kind kind);

// A line per row after a header of column names. Numbers read back to the same bits; what is
// not defined is empty.
std::string FormatEvaluationCsv(const std::vector<EvaluationRow>& rows);

// What people compare, for a terminal.
std::string FormatEvaluationTable(const std::vector<EvaluationRow>& rows);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_EVALUATION_TABLE_H_
