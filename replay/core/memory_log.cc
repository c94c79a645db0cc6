#include "replay/core/memory_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "replay/core/validate_table.h"

namespace sr2l {
namespace {

uint64_t EndStep(const v1::Chunk& chunk) { return chunk.first_step() + chunk.num_steps(); }

uint64_t SetAside(const v1::TableSpec& spec) { return spec.has_capacity() ? RingBytes(spec) : 0; }

absl::Status NoTable(const TableId& id) {
  return absl::NotFoundError(
      absl::StrCat("experiment ", id.experiment_id, " has no table of member ", id.member));
}

absl::Status NoStream(const StreamId& id) {
  return absl::NotFoundError(absl::StrCat("experiment ", id.table.experiment_id, " has no stream ",
                                          id.stream, " of member ", id.table.member));
}

}  // namespace

absl::Status MemoryLog::CreateTables(const std::vector<v1::TableSpec>& specs) {
  absl::MutexLock lock(&mu_);
  for (const v1::TableSpec& spec : specs) {
    if (tables_.count({spec.experiment_id(), spec.member()}) > 0) {
      return absl::AlreadyExistsError(absl::StrCat("experiment ", spec.experiment_id(),
                                                   " has a table of member ", spec.member()));
    }
  }
  for (const v1::TableSpec& spec : specs) {
    Table& table = tables_[{spec.experiment_id(), spec.member()}];
    table.spec = spec;
    table.streams.resize(spec.num_streams());
    set_aside_ += SetAside(spec);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TableState>> MemoryLog::Describe() const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<TableState> states;
  states.reserve(tables_.size());
  for (const auto& [id, table] : tables_) {
    TableState state{.spec = table.spec,
                     .released_end = table.released_end,
                     .bytes = table.bytes,
                     .streams = {}};
    for (const Stream& stream : table.streams) state.streams.push_back(stream.state);
    states.push_back(std::move(state));
  }
  return states;
}

absl::Status MemoryLog::Fence(const StreamId& id, uint64_t epoch) {
  absl::MutexLock lock(&mu_);
  if (Find(id) == nullptr) return NoStream(id);
  tables_[id.table].streams[id.stream].state.epoch = epoch;
  return absl::OkStatus();
}

absl::Status MemoryLog::Append(const StreamId& id, ChunkPtr chunk) {
  const absl::Status reserved = Reserve(id, *chunk);
  if (reserved.ok()) Publish(id, std::move(chunk));
  return reserved;
}

uint64_t MemoryLog::AddedBytes(const Table& table, const v1::Chunk& chunk) {
  return (table.spec.has_capacity() ? 0 : chunk.ByteSizeLong()) +
         TokenBytes(table, chunk.resume_token().size());
}

uint64_t MemoryLog::TokenBytes(const Table& table, size_t token_size) {
  if (!table.spec.has_capacity()) return token_size;
  const uint64_t counted = MostTokenBytes(table.spec);
  return token_size > counted ? token_size - counted : 0;
}

absl::Status MemoryLog::Reserve(const StreamId& id, const v1::Chunk& chunk) {
  absl::MutexLock lock(&mu_);
  const Stream* stream = Find(id);
  if (stream == nullptr) return NoStream(id);
  Table& table = tables_[id.table];
  const uint64_t old_token_bytes = TokenBytes(table, *stream);
  const uint64_t held = bytes_ - old_token_bytes + set_aside_;
  const uint64_t added = AddedBytes(table, chunk);
  if (added > byte_budget_ || held > byte_budget_ - added) {
    const uint64_t token_bytes = TokenBytes(table, chunk.resume_token().size());
    return absl::ResourceExhaustedError(
        absl::StrCat(bytes_ + set_aside_, " of ", byte_budget_, " bytes are held; a chunk of ",
                     added - token_bytes, " bytes with a token of ", chunk.resume_token().size(),
                     " does not fit"));
  }
  bytes_ += added - old_token_bytes;  // modulo 2^64, as below
  table.bytes += added - old_token_bytes;
  return absl::OkStatus();
}

void MemoryLog::Publish(const StreamId& id, ChunkPtr chunk) {
  auto token = std::make_shared<const std::string>(chunk->resume_token());
  // The token that is replaced; destroyed after the lock was released.
  std::shared_ptr<const std::string> old_token;
  absl::MutexLock lock(&mu_);
  if (Find(id) == nullptr) return;  // dropped, and its bytes with it
  Table& table = tables_[id.table];
  Stream& stream = table.streams[id.stream];
  const uint64_t chunk_bytes = AddedBytes(table, *chunk) - TokenBytes(table, token->size());
  stream.state.next_step = EndStep(*chunk);
  old_token = std::exchange(stream.resume_token, std::move(token));
  if (!table.spec.has_capacity()) stream.chunks.push_back({std::move(chunk), chunk_bytes});
}

void MemoryLog::GiveBack(const StreamId& id, const v1::Chunk& chunk) {
  absl::MutexLock lock(&mu_);
  const Stream* stream = Find(id);
  if (stream == nullptr) return;
  Table& table = tables_[id.table];
  const uint64_t added = AddedBytes(table, chunk) - TokenBytes(table, *stream);
  bytes_ -= added;
  table.bytes -= added;
}

void MemoryLog::RestoreTable(const TableState& state, const std::vector<std::string>& tokens) {
  absl::MutexLock lock(&mu_);
  Table& table = tables_[{state.spec.experiment_id(), state.spec.member()}];
  table.spec = state.spec;
  table.released_end = state.released_end;
  for (size_t i = 0; i < state.streams.size(); ++i) {
    Stream& stream = table.streams.emplace_back();
    stream.state = state.streams[i];
    if (!tokens[i].empty()) stream.resume_token = std::make_shared<const std::string>(tokens[i]);
    table.bytes += TokenBytes(table, tokens[i].size());
  }
  bytes_ += table.bytes;
  set_aside_ += SetAside(state.spec);
}

void MemoryLog::RestoreChunk(const StreamId& id, ChunkPtr chunk) {
  absl::MutexLock lock(&mu_);
  Table& table = tables_[id.table];
  const uint64_t bytes = chunk->ByteSizeLong();
  table.streams[id.stream].chunks.push_back({std::move(chunk), bytes});
  table.bytes += bytes;
  bytes_ += bytes;
}

absl::StatusOr<std::string> MemoryLog::ReadToken(const StreamId& id) const {
  std::shared_ptr<const std::string> token;
  {
    absl::ReaderMutexLock lock(&mu_);
    const Stream* stream = Find(id);
    if (stream == nullptr) return NoStream(id);
    token = stream->resume_token;
  }
  return token == nullptr ? std::string() : *token;
}

absl::StatusOr<std::vector<ChunkPtr>> MemoryLog::Read(const StreamId& id, uint64_t first_step,
                                                      uint64_t end_step) const {
  absl::ReaderMutexLock lock(&mu_);
  const Stream* stream = Find(id);
  if (stream == nullptr) return NoStream(id);
  auto held = std::partition_point(
      stream->chunks.begin(), stream->chunks.end(),
      [first_step](const HeldChunk& before) { return EndStep(*before.chunk) <= first_step; });
  std::vector<ChunkPtr> chunks;
  for (; held != stream->chunks.end() && held->chunk->first_step() < end_step; ++held) {
    chunks.push_back(held->chunk);
  }
  return chunks;
}

absl::Status MemoryLog::Release(const TableId& id, uint64_t end_step) {
  // Destroyed after the lock was released: freeing megabytes takes its time.
  std::vector<ChunkPtr> released;
  absl::MutexLock lock(&mu_);
  const auto found = tables_.find(id);
  if (found == tables_.end()) return NoTable(id);
  Table& table = found->second;
  table.released_end = std::max(table.released_end, end_step);
  uint64_t freed = 0;
  for (Stream& stream : table.streams) {
    while (!stream.chunks.empty() && EndStep(*stream.chunks.front().chunk) <= end_step) {
      freed += stream.chunks.front().bytes;
      released.push_back(std::move(stream.chunks.front().chunk));
      stream.chunks.pop_front();
    }
  }
  table.bytes -= freed;
  bytes_ -= freed;
  return absl::OkStatus();
}

absl::Status MemoryLog::SetLimits(const std::vector<TableId>& ids, const v1::TableLimits& limits) {
  absl::MutexLock lock(&mu_);
  for (const TableId& id : ids) {
    if (tables_.count(id) == 0) return NoTable(id);
  }
  for (const TableId& id : ids) *tables_[id].spec.mutable_limits() = limits;
  return absl::OkStatus();
}

absl::Status MemoryLog::Drop(const std::string& experiment_id) {
  std::vector<std::map<TableId, Table>::node_type> dropped;  // destroyed without the lock
  absl::MutexLock lock(&mu_);
  auto table = tables_.lower_bound({experiment_id, 0});
  while (table != tables_.end() && table->first.experiment_id == experiment_id) {
    bytes_ -= table->second.bytes;
    set_aside_ -= SetAside(table->second.spec);
    dropped.push_back(tables_.extract(table++));
  }
  return absl::OkStatus();
}

uint64_t MemoryLog::bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  return bytes_;
}

uint64_t MemoryLog::set_aside_bytes() const {
  absl::ReaderMutexLock lock(&mu_);
  return set_aside_;
}

const MemoryLog::Stream* MemoryLog::Find(const StreamId& id) const {
  const auto table = tables_.find(id.table);
  if (table == tables_.end() || id.stream >= table->second.streams.size()) return nullptr;
  return &table->second.streams[id.stream];
}

}  // namespace sr2l
