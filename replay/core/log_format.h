#ifndef SR2L_REPLAY_CORE_LOG_FORMAT_H_
#define SR2L_REPLAY_CORE_LOG_FORMAT_H_

#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "replay/core/trajectory_log.h"

namespace sr2l {

// How the durable log lies in RocksDB. Numbers in keys are big-endian, so that a stream's
// chunks are neighbours in the order of their steps:
//   F                         the format's version, 4 bytes
//   T number                  TableRecord
//   S number stream           StreamRecord
//   C number stream step      a Chunk, as protobuf encodes it
// `number` is a table's own, never used again, so that what a dropped table leaves behind
// can belong to no other.
inline constexpr uint32_t kLogFormat = 1;

struct TableRecord {
  static constexpr uint64_t kEnded = ~uint64_t{0};

  bool ended() const { return released_end == kEnded; }

  uint64_t released_end = 0;  // see TableState; kEnded: dropped, kept for AuditLog alone
  v1::TableSpec spec;
};

struct StreamRecord {
  StreamState state;
  uint64_t appended_steps = 0;  // a running sum: next_step, or a step is there twice or not
  std::string resume_token;
};

std::string FormatKey();
std::string TableKey(uint64_t number);
std::string StreamKey(uint64_t number, uint32_t stream);
std::string ChunkKey(uint64_t number, uint32_t stream, uint64_t first_step);

// What a key of that kind holds; nullopt if it is of another kind or length.
std::optional<uint64_t> ParseTableKey(absl::string_view key);
std::optional<uint64_t> ParseChunkStep(absl::string_view key);

std::string Encode(const TableRecord& record);
std::string Encode(const StreamRecord& record);
// False: the bytes are no such record.
bool Decode(absl::string_view bytes, TableRecord& record);
bool Decode(absl::string_view bytes, StreamRecord& record);
std::string EncodeFormat(uint32_t version);
std::optional<uint32_t> DecodeFormat(absl::string_view bytes);

// ResourceExhausted: no room on the disk. DataLoss: damaged. Unavailable: in the way of
// itself for a moment. Unknown: anything else. The text is RocksDB's.
absl::Status ToAbsl(const rocksdb::Status& status);

// Memory that collects writes for one table file, bytes.
inline constexpr size_t kWriteBufferBytes = size_t{32} << 20;

// Small, checked, quiet.
rocksdb::Options LogOptions();

}  // namespace sr2l

#endif  // SR2L_REPLAY_CORE_LOG_FORMAT_H_
