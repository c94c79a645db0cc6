#ifndef SR2L_COMMON_FILES_ATOMIC_WRITE_H_
#define SR2L_COMMON_FILES_ATOMIC_WRITE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// Writes a whole file in one step: whoever reads `path` sees what was there before or all
// of `content`. Uses `path`.tmp meanwhile, so one writer at a time. The folder must
// exist. Unavailable names the file; ResourceExhausted: the disk is full.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view content);

// The same, and when it returns OK the file outlives a loss of power.
absl::Status WriteFileDurably(const std::string& path, absl::string_view content);

// Appends all of `text`, or nothing, to `path`, which is open for appending as `file`: one writer
// at a time. Errors as above.
absl::Status AppendWhole(int file, absl::string_view text, const std::string& path);

// When it returns OK, what was written to `path`, open as `file`, outlives a loss of power.
absl::Status SyncFile(int file, const std::string& path);

}  // namespace sr2l

#endif  // SR2L_COMMON_FILES_ATOMIC_WRITE_H_
