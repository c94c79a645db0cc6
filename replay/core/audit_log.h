#ifndef SR2L_REPLAY_CORE_AUDIT_LOG_H_
#define SR2L_REPLAY_CORE_AUDIT_LOG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "replay/core/log_scan.h"

namespace sr2l {

// What the log in a folder holds of one stream.
struct AuditedStream {
  v1::TableSpec spec;
  uint32_t stream = 0;
  StreamScan scan;

  bool whole() const { return scan.damage.empty(); }
};

// Reads every chunk of the log, by experiment, member and stream, and changes nothing; a replay
// may have the log open meanwhile. NotFound: there is no log. Other errors name what cannot
// be read at all.
absl::StatusOr<std::vector<AuditedStream>> AuditLog(const std::string& folder);

// Checks every block of the log's table files, also those that hold only what nobody needs any
// more: a text for each file that is damaged. Errors are as AuditLog's.
absl::StatusOr<std::vector<std::string>> FindDamagedFiles(const std::string& folder);

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_AUDIT_LOG_H_
