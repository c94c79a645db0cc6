#ifndef SR2L_LEARNER_SERVICE_SQLITE_H_
#define SR2L_LEARNER_SERVICE_SQLITE_H_

#include <sqlite3.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sr2l {

// One prepared statement: bind, step, read, and it is gone. Not thread-safe.
class SqliteStatement {
 public:
  static absl::StatusOr<SqliteStatement> Prepare(sqlite3* database, absl::string_view sql);

  // Parameters are numbered from 1, as in SQL.
  SqliteStatement& BindText(int parameter, absl::string_view text);
  SqliteStatement& BindBlob(int parameter, absl::string_view bytes);
  SqliteStatement& BindInt(int parameter, int64_t value);
  SqliteStatement& BindNull(int parameter);

  // True when there is a row to read, false after the last one.
  absl::StatusOr<bool> Step();
  // For statements without rows.
  absl::Status Run();

  // Columns of the current row are numbered from 0. NULL reads as empty or 0.
  std::string Bytes(int column) const;
  int64_t Int(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

struct SqliteCloser {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using SqliteHandle = std::unique_ptr<sqlite3, SqliteCloser>;

// Opens or creates a database in WAL mode with full synchronization.
absl::StatusOr<SqliteHandle> OpenSqlite(const std::string& path);

// Runs statements that need no parameters and return no rows.
absl::Status ExecuteSqlite(sqlite3* database, const std::string& sql);

}  // namespace sr2l

#endif  // SR2L_LEARNER_SERVICE_SQLITE_H_
