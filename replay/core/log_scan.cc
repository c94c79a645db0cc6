#include "replay/core/log_scan.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "replay/core/transition_table.h"
#include "replay/core/validate_chunk.h"
#include "replay/core/validate_table.h"

namespace sr2l {
namespace {

absl::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

rocksdb::ReadOptions ScanOptions() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  options.readahead_size = size_t{2} << 20;
  return options;
}

absl::Status CheckFormat(rocksdb::DB& db) {
  std::string bytes;
  const rocksdb::Status read = db.Get(ScanOptions(), FormatKey(), &bytes);
  if (read.IsNotFound()) {
    return absl::DataLossError("it does not say which version of sr2l wrote it");
  }
  SR2L_RETURN_IF_ERROR(ToAbsl(read));
  if (DecodeFormat(bytes) == kLogFormat) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("its format must be ", kLogFormat, ", got ",
                                                    DecodeFormat(bytes).value_or(0),
                                                    ": another version of sr2l wrote it"));
}

// Null if the value is not the chunk that the key says.
absl::StatusOr<ChunkPtr> DecodeChunk(const v1::TableSpec& spec, uint32_t stream,
                                     uint64_t first_step, const rocksdb::Slice& value) {
  auto chunk = std::make_shared<v1::Chunk>();
  if (!chunk->ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return absl::DataLossError("it does not decode");
  }
  SR2L_RETURN_IF_ERROR(ValidateChunk(spec, *chunk));
  if (chunk->key().experiment_id() != spec.experiment_id() ||
      chunk->key().member() != spec.member() || chunk->key().stream() != stream ||
      chunk->first_step() != first_step) {
    return absl::DataLossError("it belongs elsewhere");
  }
  return ChunkPtr(std::move(chunk));
}

// Follows the steps of a stream from chunk to chunk.
class StreamScanner {
 public:
  StreamScanner(StreamScan& scan, uint32_t stream, uint64_t needed_begin)
      : scan_(scan), stream_(stream), expected_(needed_begin) {}

  void AddChunk(const v1::Chunk& chunk) {
    const uint64_t begin = chunk.first_step();
    const uint64_t end = begin + chunk.num_steps();
    if (scan_.steps == 0) {
      scan_.begin = begin;
      // Older steps than needed may still lie there.
      if (!corrupt_.has_value()) expected_ = std::min(expected_, begin);
    }
    CloseHole(begin);
    if (begin < expected_) {
      scan_.duplicates += std::min(end, expected_) - begin;
      AddDamage(begin, std::min(end, expected_), "stored twice");
    }
    scan_.steps += chunk.num_steps();
    expected_ = std::max(expected_, end);
    scan_.end = expected_;
  }

  void AddCorrupt(uint64_t first_step, std::string what) {
    ++scan_.corrupt;
    CloseHole(first_step);
    expected_ = std::max(expected_, first_step);
    corrupt_ = std::move(what);
  }

  void Finish() {
    const StreamRecord& record = scan_.record;
    CloseHole(record.state.next_step);
    if (expected_ > record.state.next_step) {
      scan_.duplicates += expected_ - record.state.next_step;
      AddDamage(record.state.next_step, expected_, "stored, but not counted");
    }
    if (record.appended_steps > record.state.next_step) {
      scan_.duplicates += record.appended_steps - record.state.next_step;
      AddDamage(0, record.state.next_step,
                absl::StrCat(record.appended_steps, " steps were stored in all"));
    } else if (record.appended_steps < record.state.next_step) {
      scan_.gaps += record.state.next_step - record.appended_steps;
      AddDamage(0, record.state.next_step,
                absl::StrCat("only ", record.appended_steps, " steps were stored in all"));
    }
  }

  uint64_t expected() const { return expected_; }

 private:
  // Steps from the expected one to `begin` are missing.
  void CloseHole(uint64_t begin) {
    const std::string what = corrupt_.value_or("missing");
    if (begin > expected_) {
      if (!corrupt_.has_value()) scan_.gaps += begin - expected_;
      AddDamage(expected_, begin, what);
      expected_ = begin;
    } else if (corrupt_.has_value()) {
      AddDamage(expected_, expected_, what);
    }
    corrupt_.reset();
  }

  void AddDamage(uint64_t begin, uint64_t end, std::string what) {
    scan_.damage.push_back({stream_, begin, end, std::move(what)});
  }

  StreamScan& scan_;
  const uint32_t stream_;
  uint64_t expected_;
  std::optional<std::string> corrupt_;  // what is wrong from expected_ on
};

// False: the record is lost.
bool ReadRecord(rocksdb::DB& db, const StoredTable& table, uint32_t stream, StreamScan& scan) {
  std::string bytes;
  const rocksdb::Status read = db.Get(ScanOptions(), StreamKey(table.number, stream), &bytes);
  if (read.ok() && Decode(bytes, scan.record)) return true;
  ++scan.corrupt;
  scan.damage.push_back(
      {stream, 0, 0,
       absl::StrCat("its record is lost: ", read.ok() ? "it does not decode" : read.ToString())});
  return false;
}

}  // namespace

uint64_t NeededBegin(const TableRecord& table, uint64_t next_step) {
  if (table.ended()) return next_step;
  if (!table.spec.has_capacity()) return std::min(table.released_end, next_step);
  const uint64_t end =
      table.spec.has_limits() ? next_step : std::min(table.released_end, next_step);
  const uint64_t capacity = TransitionTable::StreamCapacity(table.spec);
  return end > capacity ? end - capacity : 0;
}

absl::StatusOr<std::vector<StoredTable>> ScanTables(rocksdb::DB& db) {
  SR2L_RETURN_IF_ERROR(CheckFormat(db));
  std::vector<StoredTable> tables;
  const std::unique_ptr<rocksdb::Iterator> row(db.NewIterator(ScanOptions()));
  for (row->Seek("T"); row->Valid() && row->key().starts_with("T"); row->Next()) {
    const auto number = ParseTableKey(View(row->key()));
    StoredTable table{.number = number.value_or(0), .record = {}};
    const bool decoded = number.has_value() && Decode(View(row->value()), table.record);
    const absl::Status valid = decoded ? ValidateTable("table", table.record.spec)
                                       : absl::DataLossError("it does not decode");
    if (!valid.ok()) {
      return absl::DataLossError(
          absl::StrCat("the record of table ", table.number, " is damaged: ", valid.message()));
    }
    tables.push_back(std::move(table));
  }
  SR2L_RETURN_IF_ERROR(ToAbsl(row->status()));
  return tables;
}

StreamScan ScanStream(rocksdb::DB& db, const StoredTable& table, uint32_t stream,
                      const std::function<void(const ChunkPtr&)>& take) {
  StreamScan scan;
  if (!ReadRecord(db, table, stream, scan)) return scan;
  const uint64_t next_step = scan.record.state.next_step;
  scan.begin = scan.end = next_step;
  StreamScanner scanner(scan, stream, NeededBegin(table.record, next_step));
  const std::string end = ChunkKey(table.number, stream + 1, 0);
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions options = ScanOptions();
  options.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> row(db.NewIterator(options));
  for (row->Seek(ChunkKey(table.number, stream, 0)); row->Valid(); row->Next()) {
    const uint64_t first_step = ParseChunkStep(View(row->key())).value_or(0);
    scan.chunk_starts.push_back(first_step);
    const auto chunk = DecodeChunk(table.record.spec, stream, first_step, row->value());
    if (!chunk.ok()) {
      scanner.AddCorrupt(first_step, std::string(chunk.status().message()));
      continue;
    }
    scanner.AddChunk(**chunk);
    take(*chunk);
  }
  if (!row->status().ok()) scanner.AddCorrupt(scanner.expected(), row->status().ToString());
  scanner.Finish();
  return scan;
}

}  // namespace sr2l
