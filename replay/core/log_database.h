#ifndef SR2L_REPLAY_CORE_LOG_DATABASE_H_
#define SR2L_REPLAY_CORE_LOG_DATABASE_H_

#include <rocksdb/db.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sr2l {

// Whether the folder has the file that names the parts of a log's database. An error names a path
// that cannot be looked at.
absl::StatusOr<bool> HasCurrent(const std::string& folder);

// Opens the database of the log in a folder, or makes one. BeginWrites follows: until then nothing
// is compacted, as a compaction that meets damage stops the whole database, and nothing but what
// opening takes is written.
absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenDatabase(const std::string& folder);

// From now on records are gathered for a table file in so many bytes. A damaged log is not
// compacted.
absl::Status BeginWrites(rocksdb::DB& db, size_t write_buffer_bytes, bool damaged);

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_LOG_DATABASE_H_
