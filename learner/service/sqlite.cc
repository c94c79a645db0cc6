#include "learner/service/sqlite.h"

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

absl::Status SqliteError(sqlite3* database, absl::string_view what) {
  return absl::InternalError(
      absl::StrCat("experiment store: ", what, ": ", sqlite3_errmsg(database)));
}

}  // namespace

absl::StatusOr<SqliteStatement> SqliteStatement::Prepare(sqlite3* database,
                                                         absl::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement,
                         nullptr) != SQLITE_OK) {
    return SqliteError(database, sql);
  }
  return SqliteStatement(statement);
}

SqliteStatement& SqliteStatement::BindText(int parameter, absl::string_view text) {
  sqlite3_bind_text(statement_.get(), parameter, text.data(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(int parameter, absl::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(),
                      SQLITE_TRANSIENT);
  return *this;
}

SqliteStatement& SqliteStatement::BindInt(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

SqliteStatement& SqliteStatement::BindNull(int parameter) {
  sqlite3_bind_null(statement_.get(), parameter);
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  sqlite3* database = sqlite3_db_handle(statement_.get());
  if (result == SQLITE_CONSTRAINT) {
    return absl::AlreadyExistsError(sqlite3_errmsg(database));
  }
  return SqliteError(database, sqlite3_sql(statement_.get()));
}

absl::Status SqliteStatement::Run() { return Step().status(); }

std::string SqliteStatement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

int64_t SqliteStatement::Int(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

absl::Status ExecuteSqlite(sqlite3* database, const std::string& sql) {
  if (sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return SqliteError(database, sql);
  }
  return absl::OkStatus();
}

absl::StatusOr<SqliteHandle> OpenSqlite(const std::string& path) {
  sqlite3* raw = nullptr;
  const int result = sqlite3_open_v2(
      path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
      nullptr);
  SqliteHandle database(raw);
  if (result != SQLITE_OK) {
    return absl::UnavailableError(
        absl::StrCat("cannot open ", path, ": ", sqlite3_errstr(result)));
  }
  sqlite3_busy_timeout(database.get(), 5000);
  SR2L_RETURN_IF_ERROR(ExecuteSqlite(database.get(), "PRAGMA journal_mode = WAL"));
  SR2L_RETURN_IF_ERROR(ExecuteSqlite(database.get(), "PRAGMA synchronous = FULL"));
  return database;
}

}  // namespace sr2l
