#ifndef SR2L_REPLAY_CORE_LOG_SCAN_H_
#define SR2L_REPLAY_CORE_LOG_SCAN_H_

#include <rocksdb/db.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "replay/core/log_format.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

struct StoredTable {
  uint64_t number = 0;
  TableRecord record;
};

// What lies in the log of one stream. Every chunk is decoded and checked.
struct StreamScan {
  StreamRecord record;
  std::deque<uint64_t> chunk_starts;  // first steps, ascending
  uint64_t steps = 0;                 // in chunks that are as they came
  uint64_t begin = 0;                 // of the first such chunk; next_step without any
  uint64_t end = 0;                   // of the last
  uint64_t gaps = 0;                  // steps that should be there and are not
  uint64_t duplicates = 0;            // steps that are there twice, or were counted twice
  uint64_t corrupt = 0;               // chunks and records that are not as they were written
  std::vector<LogDamage> damage;      // all of it; empty: the stream is whole
};

// The first step that the log must still hold of a stream that came to `next_step`.
uint64_t NeededBegin(const TableRecord& table, uint64_t next_step);

// Every table, by number. DataLoss names what cannot be read; FailedPrecondition a log that
// was written by another version.
absl::StatusOr<std::vector<StoredTable>> ScanTables(rocksdb::DB& db);

// Checks a stream and hands over those of its chunks that are as they came, in order.
StreamScan ScanStream(rocksdb::DB& db, const StoredTable& table, uint32_t stream,
                      const std::function<void(const ChunkPtr&)>& take);

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_LOG_SCAN_H_
