#include "replay/core/audit_log.h"

#include <rocksdb/db.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "replay/core/log_database.h"
#include "replay/core/synced_file.h"

namespace sr2l {
namespace {

// A replay that has the log open may remove a file between two looks at the folder.
constexpr int kAttempts = 10;

absl::StatusOr<std::unique_ptr<rocksdb::DB>> OpenToRead(const std::string& folder) {
  SR2L_ASSIGN_OR_RETURN(const bool has_current, HasCurrent(folder));
  if (!has_current) return absl::NotFoundError(absl::StrCat(folder, " holds no log"));
  rocksdb::Options options = LogOptions();
  options.max_open_files = -1;  // files stay readable when they are removed
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::optional<SyncedFile::Mark> mark = SyncedFile::Read(folder);
    status = SyncedFile::CheckManifest(folder);
    if (!status.ok()) continue;
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status open = rocksdb::DB::OpenForReadOnly(options, folder, &opened);
    if (!open.ok()) {
      status = absl::Status(ToAbsl(open).code(),
                            absl::StrCat("cannot read the log ", folder, ": ", open.ToString()));
      continue;
    }
    std::unique_ptr<rocksdb::DB> db(opened);
    status = SyncedFile::CheckSequence(*db, folder, mark);
    if (status.ok()) return db;
  }
  return status;
}

}  // namespace

absl::StatusOr<std::vector<AuditedStream>> AuditLog(const std::string& folder) {
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::DB> db, OpenToRead(folder));
  SR2L_ASSIGN_OR_RETURN(std::vector<StoredTable> tables, ScanTables(*db));
  std::sort(tables.begin(), tables.end(), [](const StoredTable& a, const StoredTable& b) {
    const auto order = [](const v1::TableSpec& spec) {
      return std::make_tuple(spec.experiment_id(), spec.member());
    };
    return order(a.record.spec) < order(b.record.spec);
  });
  std::vector<AuditedStream> streams;
  for (const StoredTable& table : tables) {
    for (uint32_t stream = 0; stream < table.record.spec.num_streams(); ++stream) {
      streams.push_back({.spec = table.record.spec,
                         .stream = stream,
                         .scan = ScanStream(*db, table, stream, [](const ChunkPtr&) {})});
    }
  }
  return streams;
}

absl::StatusOr<std::vector<std::string>> FindDamagedFiles(const std::string& folder) {
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::DB> db, OpenToRead(folder));
  std::vector<rocksdb::LiveFileMetaData> files;
  db->GetLiveFilesMetaData(&files);
  rocksdb::ReadOptions options;
  options.readahead_size = size_t{2} << 20;
  std::vector<std::string> damaged;
  for (const rocksdb::LiveFileMetaData& file : files) {
    const std::string path = file.db_path + file.name;
    rocksdb::SstFileReader reader(LogOptions());
    rocksdb::Status status = reader.Open(path);
    if (status.ok()) status = reader.VerifyChecksum(options);
    std::error_code error;
    // The replay that has the log open may have removed it.
    if (status.ok() || !std::filesystem::exists(path, error)) continue;
    damaged.push_back(absl::StrCat(path, ": ", status.ToString()));
  }
  return damaged;
}

}  // namespace sr2l
