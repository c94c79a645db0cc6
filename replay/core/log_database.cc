#include "replay/core/log_database.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unordered_map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "replay/core/log_format.h"
#include "replay/core/synced_file.h"

namespace sr2l {
namespace {

constexpr size_t kRecoveryBufferBytes = size_t{1} << 30;  // used as far as the WAL reaches
constexpr size_t kMaxArenaBlockBytes = size_t{1} << 20;   // a write buffer has room for several

absl::Status PathError(const std::string& path, const std::error_code& error) {
  return absl::UnavailableError(absl::StrCat(path, ": ", error.message()));
}

// Whether the folder holds a log, whole or not: a database that lost the file that names its
// parts would be taken for a new one.
absl::StatusOr<bool> HasLog(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return PathError(folder, error);
  SR2L_ASSIGN_OR_RETURN(const bool has_current, HasCurrent(folder));
  if (has_current) return true;
  std::filesystem::directory_iterator file(folder, error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    const std::string name = file->path().filename();
    std::error_code unknown;  // how large it is: then it may hold records
    const bool holds_records = absl::EndsWith(name, ".sst") ||
                               (absl::EndsWith(name, ".log") && file->file_size(unknown) > 0);
    if (holds_records) {
      return absl::DataLossError(absl::StrCat(folder, " holds ", name, ", but no file CURRENT"));
    }
  }
  if (error) return PathError(folder, error);
  return false;
}

}  // namespace

absl::StatusOr<bool> HasCurrent(const std::string& folder) {
  const std::string path = folder + "/CURRENT";
  std::error_code error;
  const bool has = std::filesystem::exists(path, error);
  if (error) return PathError(path, error);
  return has;
}

absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenDatabase(const std::string& folder) {
  SR2L_ASSIGN_OR_RETURN(const bool has_log, HasLog(folder));
  SR2L_RETURN_IF_ERROR(SyncedFile::CheckManifest(folder));
  rocksdb::Options options = LogOptions();
  options.create_if_missing = !has_log;
  options.disable_auto_compactions = true;
  // All of the WAL fits, so that nothing is written to make room for it in memory.
  options.write_buffer_size = kRecoveryBufferBytes;
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, folder, &opened);
  if (!status.ok()) {
    return absl::Status(ToAbsl(status).code(),
                        absl::StrCat("cannot open the log ", folder, ": ", status.ToString()));
  }
  std::unique_ptr<rocksdb::DB> db(opened);
  if (has_log && db->GetLatestSequenceNumber() > 0) return db;
  rocksdb::WriteOptions sync;
  sync.sync = true;
  SR2L_RETURN_IF_ERROR(ToAbsl(db->Put(sync, FormatKey(), EncodeFormat(kLogFormat))));
  return db;
}

absl::Status BeginWrites(rocksdb::DB& db, size_t write_buffer_bytes, bool damaged) {
  std::unordered_map<std::string, std::string> options = {
      {"write_buffer_size", absl::StrCat(write_buffer_bytes)},
      {"arena_block_size", absl::StrCat(std::min(kMaxArenaBlockBytes, write_buffer_bytes / 8))}};
  if (damaged) {
    options["level0_slowdown_writes_trigger"] = options["level0_stop_writes_trigger"] = "1000000";
  } else {
    options["disable_auto_compactions"] = "false";
  }
  return ToAbsl(db.SetOptions(options));
}

}  // namespace sr2l
