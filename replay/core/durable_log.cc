#include "replay/core/durable_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/check.h"
#include "common/status/status_macros.h"
#include "replay/core/log_database.h"
#include "replay/core/synced_file.h"

namespace sr2l {
namespace {

TableId IdOf(const v1::TableSpec& spec) { return {spec.experiment_id(), spec.member()}; }

std::string Name(const v1::TableSpec& spec) {
  return absl::StrCat("experiment ", spec.experiment_id(), " member ", spec.member());
}

// Where the first chunk lies that reaches beyond `begin_step`, as an index; a stream's chunks
// end where the next one starts, and the last at `next_step`.
size_t CountBefore(const std::deque<uint64_t>& starts, uint64_t next_step, uint64_t begin_step) {
  if (next_step <= begin_step) return starts.size();
  const auto beyond = std::upper_bound(starts.begin(), starts.end(), begin_step);
  return beyond == starts.begin() ? 0 : static_cast<size_t>(beyond - starts.begin() - 1);
}

}  // namespace

DurableLog::DurableLog(const Options& options) : options_(options), memory_(options.byte_budget) {}

absl::StatusOr<std::unique_ptr<DurableLog>> DurableLog::Open(const Options& options) {
  SR2L_ASSIGN_OR_RETURN(std::unique_ptr<rocksdb::DB> db, OpenDatabase(options.folder));
  const std::optional<SyncedFile::Mark> mark = SyncedFile::Read(options.folder);
  SR2L_RETURN_IF_ERROR(SyncedFile::CheckSequence(*db, options.folder, mark));
  std::unique_ptr<DurableLog> log(new DurableLog(options));
  const absl::Status restored = log->Restore(*db);
  if (!restored.ok()) {
    return absl::Status(restored.code(),
                        absl::StrCat("the log ", options.folder, ": ", restored.message()));
  }
  const bool damaged = log->ReportDamage();
  SR2L_RETURN_IF_ERROR(BeginWrites(*db, options.write_buffer_bytes, damaged));
  const auto reopen = [options, damaged](bool damage_met) -> absl::StatusOr<LogWriter::Database> {
    SR2L_ASSIGN_OR_RETURN(LogWriter::Database db, OpenDatabase(options.folder));
    SR2L_RETURN_IF_ERROR(BeginWrites(*db, options.write_buffer_bytes, damaged || damage_met));
    return db;
  };
  log->writer_ = std::make_unique<LogWriter>(
      std::move(db),
      LogWriter::Options{.folder = options.folder, .sync = options.sync, .reopen = reopen});
  return log;
}

absl::Status DurableLog::Restore(rocksdb::DB& db) {
  SR2L_ASSIGN_OR_RETURN(const std::vector<StoredTable> tables, ScanTables(db));
  for (const StoredTable& table : tables) RestoreTable(db, table);
  return absl::OkStatus();
}

bool DurableLog::ReportDamage() const {
  absl::ReaderMutexLock lock(&mu_);
  bool damaged = false;
  for (const auto& [id, table] : tables_) {
    for (const LogDamage& damage : table.damage) {
      SR2L_ERROR("{} is damaged and not served: {}", Name(table.record.spec), ToText(damage));
      damaged = true;
    }
  }
  if (damaged) SR2L_WARNING("the log is not compacted as long as it is damaged");
  return damaged;
}

void DurableLog::RestoreTable(rocksdb::DB& db, const StoredTable& stored) {
  {
    absl::MutexLock lock(&mu_);
    next_number_ = std::max(next_number_, stored.number + 1);
  }
  if (stored.record.ended()) return;
  const v1::TableSpec& spec = stored.record.spec;
  const TableId id = IdOf(spec);
  Table table{.number = stored.number, .record = stored.record, .streams = {}, .damage = {}};
  TableState state{
      .spec = spec, .released_end = stored.record.released_end, .bytes = 0, .streams = {}};
  std::vector<std::string> tokens;
  std::vector<std::vector<ChunkPtr>> chunks(spec.num_streams());
  for (uint32_t stream = 0; stream < spec.num_streams(); ++stream) {
    StreamScan scan = ScanStream(db, stored, stream, [&](const ChunkPtr& chunk) {
      if (!spec.has_capacity()) chunks[stream].push_back(chunk);
    });
    state.streams.push_back(scan.record.state);
    tokens.push_back(std::move(scan.record.resume_token));
    table.streams.push_back({.state = scan.record.state,
                             .appended_steps = scan.record.appended_steps,
                             .chunk_starts = std::move(scan.chunk_starts),
                             .forget_before = 0});
    table.damage.insert(table.damage.end(), scan.damage.begin(), scan.damage.end());
  }
  memory_.RestoreTable(state, tokens);
  for (uint32_t stream = 0; stream < spec.num_streams(); ++stream) {
    for (ChunkPtr& chunk : chunks[stream]) memory_.RestoreChunk({id, stream}, std::move(chunk));
  }
  absl::MutexLock lock(&mu_);
  tables_[id] = std::move(table);
}

absl::Status DurableLog::CreateTables(const std::vector<v1::TableSpec>& specs) {
  rocksdb::WriteBatch batch;
  std::map<TableId, Table> created;
  {
    absl::MutexLock lock(&mu_);
    for (const v1::TableSpec& spec : specs) {
      if (tables_.count(IdOf(spec)) > 0) {
        return absl::AlreadyExistsError(absl::StrCat(Name(spec), " has a table"));
      }
      Table& table = created[IdOf(spec)];
      table.number = next_number_++;
      table.record.spec = spec;
      table.streams.resize(spec.num_streams());
      batch.Put(TableKey(table.number), Encode(table.record));
      for (uint32_t stream = 0; stream < spec.num_streams(); ++stream) {
        batch.Put(StreamKey(table.number, stream), Encode(StreamRecord{}));
      }
    }
  }
  SR2L_RETURN_IF_ERROR(writer_->Write(batch, LogWriter::Stall::kWait));
  absl::MutexLock lock(&mu_);
  tables_.merge(created);
  return memory_.CreateTables(specs);
}

absl::StatusOr<std::vector<TableState>> DurableLog::Describe() const {
  SR2L_ASSIGN_OR_RETURN(std::vector<TableState> states, memory_.Describe());
  absl::ReaderMutexLock lock(&mu_);
  for (TableState& state : states) {
    const auto found = tables_.find(IdOf(state.spec));
    if (found == tables_.end()) continue;  // just dropped
    state.damage = found->second.damage;
    if (!state.spec.has_capacity()) continue;
    for (const Stream& stream : found->second.streams) {
      state.kept_begin.push_back(stream.chunk_starts.empty() ? stream.state.next_step
                                                             : stream.chunk_starts.front());
    }
  }
  return states;
}

absl::Status DurableLog::Fence(const StreamId& id, uint64_t epoch) {
  StreamRecord record;
  SR2L_ASSIGN_OR_RETURN(record.resume_token, memory_.ReadToken(id));
  rocksdb::WriteBatch batch;
  {
    absl::MutexLock lock(&mu_);
    const Stream& stream = *Find(id);
    record.state = {.epoch = epoch, .next_step = stream.state.next_step};
    record.appended_steps = stream.appended_steps;
    batch.Put(StreamKey(NumberOf(id.table), id.stream), Encode(record));
  }
  SR2L_RETURN_IF_ERROR(writer_->Write(batch, LogWriter::Stall::kWait));
  {
    absl::MutexLock lock(&mu_);
    Find(id)->state.epoch = epoch;
  }
  return memory_.Fence(id, epoch);
}

absl::Status DurableLog::Append(const StreamId& id, ChunkPtr chunk) {
  SR2L_RETURN_IF_ERROR(memory_.Reserve(id, *chunk));
  const std::string encoded = chunk->SerializeAsString();
  rocksdb::WriteBatch batch;
  StreamRecord record;
  size_t forgotten = 0;
  {
    absl::MutexLock lock(&mu_);
    const Table& table = tables_.find(id.table)->second;
    const Stream& stream = table.streams[id.stream];
    record.state = {.epoch = stream.state.epoch,
                    .next_step = chunk->first_step() + chunk->num_steps()};
    record.appended_steps = stream.appended_steps + chunk->num_steps();
    record.resume_token = chunk->resume_token();
    forgotten = CountForgotten(table, stream);
    for (size_t i = 0; i < forgotten; ++i) {
      batch.Delete(ChunkKey(table.number, id.stream, stream.chunk_starts[i]));
    }
    batch.Put(StreamKey(table.number, id.stream), Encode(record));
    batch.Put(ChunkKey(table.number, id.stream, chunk->first_step()), encoded);
  }
  const absl::Status written = writer_->Write(batch, LogWriter::Stall::kRefuse);
  if (!written.ok()) {
    memory_.GiveBack(id, *chunk);
    return written;
  }
  {
    absl::MutexLock lock(&mu_);
    Stream& stream = *Find(id);
    stream.state = record.state;
    stream.appended_steps = record.appended_steps;
    const auto begin = stream.chunk_starts.begin();
    stream.chunk_starts.erase(begin, begin + static_cast<ptrdiff_t>(forgotten));
    stream.chunk_starts.push_back(chunk->first_step());
  }
  memory_.Publish(id, std::move(chunk));
  return absl::OkStatus();
}

absl::Status DurableLog::ReadKept(const StreamId& id,
                                  const std::function<void(const ChunkPtr&)>& take) const {
  StoredTable table;
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto found = tables_.find(id.table);
    if (found == tables_.end()) return absl::NotFoundError("no such table");
    table = {.number = found->second.number, .record = found->second.record};
  }
  StreamScan scan;
  SR2L_RETURN_IF_ERROR(
      writer_->Read([&](rocksdb::DB& db) { scan = ScanStream(db, table, id.stream, take); }));
  if (scan.damage.empty()) return absl::OkStatus();
  return absl::DataLossError(ToText(scan.damage.front()));
}

absl::Status DurableLog::Release(const TableId& id, uint64_t end_step) {
  absl::MutexLock record_lock(&record_mu_);
  SR2L_RETURN_IF_ERROR(memory_.Release(id, end_step));
  rocksdb::WriteBatch batch;
  std::vector<uint64_t> limits;  // by stream: chunks that start before it go
  uint64_t released_end = 0;
  {
    absl::MutexLock lock(&mu_);
    const Table& table = tables_.find(id)->second;
    TableRecord record = table.record;
    record.released_end = released_end = std::max(record.released_end, end_step);
    batch.Put(TableKey(table.number), Encode(record));
    for (uint32_t i = 0; i < table.streams.size(); ++i) {
      const Stream& stream = table.streams[i];
      const auto& starts = stream.chunk_starts;
      if (table.record.spec.has_capacity()) continue;
      const size_t count = CountBefore(starts, stream.state.next_step, end_step);
      limits.push_back(count == starts.size() ? stream.state.next_step : starts[count]);
      if (count == 0) continue;
      batch.DeleteRange(ChunkKey(table.number, i, 0), ChunkKey(table.number, i, limits[i]));
    }
  }
  if (!writer_->Write(batch, LogWriter::Stall::kWait).ok()) return absl::OkStatus();
  absl::MutexLock lock(&mu_);
  Table& table = tables_.find(id)->second;
  table.record.released_end = released_end;
  for (size_t i = 0; i < limits.size(); ++i) {
    auto& starts = table.streams[i].chunk_starts;
    starts.erase(starts.begin(), std::lower_bound(starts.begin(), starts.end(), limits[i]));
  }
  return absl::OkStatus();
}

void DurableLog::Forget(const StreamId& id, uint64_t begin_step) {
  absl::MutexLock lock(&mu_);
  Stream* stream = Find(id);
  if (stream != nullptr) stream->forget_before = std::max(stream->forget_before, begin_step);
}

absl::Status DurableLog::SetLimits(const std::vector<TableId>& ids, const v1::TableLimits& limits) {
  absl::MutexLock record_lock(&record_mu_);
  rocksdb::WriteBatch batch;
  {
    absl::MutexLock lock(&mu_);
    for (const TableId& id : ids) {
      const auto table = tables_.find(id);
      if (table == tables_.end()) {
        return absl::NotFoundError(absl::StrCat("member ", id.member, " of experiment ",
                                                id.experiment_id, " has no table"));
      }
      TableRecord record = table->second.record;
      *record.spec.mutable_limits() = limits;
      batch.Put(TableKey(table->second.number), Encode(record));
    }
  }
  SR2L_RETURN_IF_ERROR(writer_->Write(batch, LogWriter::Stall::kWait));
  {
    absl::MutexLock lock(&mu_);
    for (const TableId& id : ids) *tables_.find(id)->second.record.spec.mutable_limits() = limits;
  }
  return memory_.SetLimits(ids, limits);
}

absl::Status DurableLog::Drop(const std::string& experiment_id) {
  absl::MutexLock record_lock(&record_mu_);
  rocksdb::WriteBatch batch;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [id, table] : tables_) {
      if (id.experiment_id != experiment_id) continue;
      // How far its streams came stays, a few bytes for each.
      TableRecord record = table.record;
      record.released_end = TableRecord::kEnded;
      batch.Put(TableKey(table.number), Encode(record));
      for (uint32_t i = 0; i < table.streams.size(); ++i) {
        const Stream& stream = table.streams[i];
        batch.Put(StreamKey(table.number, i),
                  Encode(StreamRecord{stream.state, stream.appended_steps, ""}));
      }
      batch.DeleteRange(ChunkKey(table.number, 0, 0), ChunkKey(table.number + 1, 0, 0));
    }
  }
  if (batch.Count() > 0) SR2L_RETURN_IF_ERROR(writer_->Write(batch, LogWriter::Stall::kWait));
  absl::MutexLock lock(&mu_);
  std::erase_if(tables_,
                [&](const auto& table) { return table.first.experiment_id == experiment_id; });
  return memory_.Drop(experiment_id);
}

v1::AppendResponse::Durability DurableLog::durability() const {
  return options_.sync.mode == LogSync::kCommit ? v1::AppendResponse::SYNCED
                                                : v1::AppendResponse::WRITTEN;
}

v1::AppendResponse::Durability DurableLog::sync_durability() const {
  return options_.sync.mode == LogSync::kNone ? v1::AppendResponse::WRITTEN
                                              : v1::AppendResponse::SYNCED;
}

void DurableLog::Acknowledge(v1::AppendResponse& response) const {
  response.set_durability(durability());
  switch (options_.sync.mode) {
    case LogSync::kCommit:
      return response.set_log_sync(v1::AppendResponse::LOG_SYNC_COMMIT);
    case LogSync::kNone:
      return response.set_log_sync(v1::AppendResponse::LOG_SYNC_NONE);
    case LogSync::kInterval:
      break;
  }
  response.set_log_sync(v1::AppendResponse::LOG_SYNC_INTERVAL);
  response.set_log_sync_interval_ms(
      static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.sync.interval)));
}

// Not what a restart would look for: a Release may not have reached the disk.
size_t DurableLog::CountForgotten(const Table& table, const Stream& stream) {
  const uint64_t next_step = stream.state.next_step;
  return CountBefore(stream.chunk_starts, next_step,
                     std::min(stream.forget_before, NeededBegin(table.record, next_step)));
}

DurableLog::Stream* DurableLog::Find(const StreamId& id) {
  const auto table = tables_.find(id.table);
  if (table == tables_.end() || id.stream >= table->second.streams.size()) return nullptr;
  return &table->second.streams[id.stream];
}

}  // namespace sr2l
