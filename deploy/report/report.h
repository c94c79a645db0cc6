#ifndef SR2L_DEPLOY_REPORT_REPORT_H_
#define SR2L_DEPLOY_REPORT_REPORT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "deploy/report/figures.h"

namespace sr2l {

struct ReportOptions {
  std::vector<std::string> runs;  // folders
  std::string out;                // new or empty; with `replace` also a report's
  bool replace = false;
  size_t last = 20;  // rounds (or evaluations) that a final return is the mean of
  CurveKind curve_kind = CurveKind::kTraining;
  std::string version;  // of this program, for the page
};

struct ReportResult {
  std::string page;  // path of index.html
  size_t num_figures = 0;
  std::vector<MissingFigure> missing;
};

// Writes index.html, figures/ and tables/ into `out`, all at once: before, there is what was
// there (meanwhile `out`.partial). The same runs give the same files. Errors name the run or
// the file; AlreadyExists: `out` is not empty; FailedPrecondition: what would be replaced holds
// something that no report writes.
absl::StatusOr<ReportResult> WriteReport(const ReportOptions& options);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_REPORT_H_
