#ifndef SR2L_DEPLOY_REPORT_DRAW_H_
#define SR2L_DEPLOY_REPORT_DRAW_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "deploy/report/figures.h"

namespace sr2l {

// The path of gnuplot, found as a shell would. NotFound names the package to install.
absl::StatusOr<std::string> FindGnuplot();

// Writes NAME.gnuplot, NAME.svg and NAME.png into `folder`, which exists. Internal: what
// gnuplot complained about; DeadlineExceeded after a minute.
absl::Status DrawFigure(const std::string& gnuplot, const std::string& folder,
                        const Figure& figure);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_DRAW_H_
