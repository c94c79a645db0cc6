#ifndef SR2L_DEPLOY_REPORT_CSV_COLUMNS_H_
#define SR2L_DEPLOY_REPORT_CSV_COLUMNS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sr2l {

// One line of a CSV file: the cells that were asked for.
struct CsvRow {
  int line = 0;  // in the file, from 1
  std::vector<std::string> cells;
};

// Those columns, in the order of `names`. A last line without its end is one that is being
// written, and left out. NotFound without the file; FailedPrecondition when a column is
// missing: another version wrote it; InvalidArgument, with the line, for what is no row.
absl::StatusOr<std::vector<CsvRow>> ReadCsvColumns(const std::string& path,
                                                   const std::vector<std::string>& names);

// A cell as a number; NaN when it is empty. InvalidArgument names file, line and text.
absl::StatusOr<double> NumberOf(const std::string& path, const CsvRow& row, size_t cell);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_CSV_COLUMNS_H_
