#ifndef SR2L_REPLAY_CORE_SYNCED_FILE_H_
#define SR2L_REPLAY_CORE_SYNCED_FILE_H_

#include <rocksdb/db.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace sr2l {

// SYNCED, a small file beside a log's database: what the disk was told to hold of it. RocksDB
// takes a log that lost its end, or the end of the list of its files (MANIFEST), for a shorter
// one; by this file it is known. Without it, or when it is damaged, nothing is checked. Not
// thread-safe.
class SyncedFile {
 public:
  struct Mark {
    uint64_t sequence = 0;         // number of the last record that is synced
    uint64_t manifest_number = 0;  // MANIFEST-<number>, 0: none
    uint64_t manifest_bytes = 0;   // that it had at least
    uint32_t manifest_crc = 0;     // CRC-32C of these
    // 1: a sync failed, and what the system holds in memory may not be on the disk though it
    // says so. It outlives the process as that memory does.
    uint32_t untrusted = 0;
  };

  // DataLoss: the folder's MANIFEST is not what the disk was told to hold. Before the database
  // is opened, which removes the files that its MANIFEST does not list.
  static absl::Status CheckManifest(const std::string& folder);
  // The mark of the folder's file, if it has one that is whole.
  static std::optional<Mark> Read(const std::string& folder);
  // DataLoss: the database ends before the mark. That is read before the database is opened, where
  // another process may write to it: its log and mark go on.
  static absl::Status CheckSequence(rocksdb::DB& db, const std::string& folder,
                                    const std::optional<Mark>& mark);

  // Goes on with the mark of the folder's file, if it has one.
  explicit SyncedFile(const std::string& folder);
  ~SyncedFile();
  SyncedFile(const SyncedFile&) = delete;
  SyncedFile& operator=(const SyncedFile&) = delete;

  const Mark& mark() const { return mark_; }

  // Notes how far the log is synced, and the MANIFEST, which RocksDB syncs itself.
  void Note(rocksdb::DB& db, uint64_t sequence);
  // The same of the MANIFEST alone.
  void NoteManifest(rocksdb::DB& db) { Note(db, mark_.sequence); }
  void NoteUntrusted(bool untrusted);

 private:
  void ExtendManifest(rocksdb::DB& db);
  void Write();

  const std::string folder_;
  Mark mark_;
  const int file_;  // -1: it cannot be opened
};

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_SYNCED_FILE_H_
