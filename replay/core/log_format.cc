#include "replay/core/log_format.h"

#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/table.h>

#include <cstdarg>
#include <memory>

namespace sr2l {
namespace {

constexpr int kWriteBuffers = 4;  // one fills while others are flushed
constexpr size_t kBlockCacheBytes = size_t{8} << 20;
constexpr int kMaxOpenFiles = 256;

// RocksDB's own log lies beside its data, and aborts the process when the disk is full. What
// matters of it comes back as a status.
class NoLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

// RocksDB's recovery from a full disk is switched off: LogWriter has its own, which the other one
// would run into.
class NoAutoRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

void PutNumber(std::string& bytes, uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

// Takes a number of `size` bytes off the front, which must be there.
uint64_t TakeNumber(absl::string_view& bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  bytes.remove_prefix(size);
  return value;
}

}  // namespace

std::string FormatKey() { return "F"; }

std::string TableKey(uint64_t number) {
  std::string key = "T";
  PutNumber(key, number, 8);
  return key;
}

std::string StreamKey(uint64_t number, uint32_t stream) {
  std::string key = "S";
  PutNumber(key, number, 8);
  PutNumber(key, stream, 4);
  return key;
}

std::string ChunkKey(uint64_t number, uint32_t stream, uint64_t first_step) {
  std::string key = "C";
  PutNumber(key, number, 8);
  PutNumber(key, stream, 4);
  PutNumber(key, first_step, 8);
  return key;
}

std::optional<uint64_t> ParseTableKey(absl::string_view key) {
  if (key.size() != 9 || key[0] != 'T') return std::nullopt;
  key.remove_prefix(1);
  return TakeNumber(key, 8);
}

std::optional<uint64_t> ParseChunkStep(absl::string_view key) {
  if (key.size() != 21 || key[0] != 'C') return std::nullopt;
  key.remove_prefix(13);
  return TakeNumber(key, 8);
}

std::string Encode(const TableRecord& record) {
  std::string bytes;
  PutNumber(bytes, record.released_end, 8);
  record.spec.AppendToString(&bytes);
  return bytes;
}

std::string Encode(const StreamRecord& record) {
  std::string bytes;
  PutNumber(bytes, record.state.epoch, 8);
  PutNumber(bytes, record.state.next_step, 8);
  PutNumber(bytes, record.appended_steps, 8);
  bytes.append(record.resume_token);
  return bytes;
}

bool Decode(absl::string_view bytes, TableRecord& record) {
  if (bytes.size() < 8) return false;
  record.released_end = TakeNumber(bytes, 8);
  return record.spec.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

bool Decode(absl::string_view bytes, StreamRecord& record) {
  if (bytes.size() < 24) return false;
  record.state.epoch = TakeNumber(bytes, 8);
  record.state.next_step = TakeNumber(bytes, 8);
  record.appended_steps = TakeNumber(bytes, 8);
  record.resume_token = std::string(bytes);
  return true;
}

std::string EncodeFormat(uint32_t version) {
  std::string bytes;
  PutNumber(bytes, version, 4);
  return bytes;
}

std::optional<uint32_t> DecodeFormat(absl::string_view bytes) {
  if (bytes.size() != 4) return std::nullopt;
  return static_cast<uint32_t>(TakeNumber(bytes, 4));
}

absl::Status ToAbsl(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  if (status.IsCorruption()) return absl::DataLossError(text);
  if (status.IsIncomplete() || status.IsBusy()) return absl::UnavailableError(text);
  return absl::UnknownError(text);
}

rocksdb::Options LogOptions() {
  rocksdb::Options options;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_write_buffer_number = kWriteBuffers;
  options.max_open_files = kMaxOpenFiles;
  options.compression = rocksdb::kNoCompression;  // noise does not compress
  options.paranoid_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  // What a full disk leaves behind must be opened on a full disk.
  options.avoid_flush_during_recovery = true;
  options.allow_fallocate = false;  // nor must it hold room that others need
  options.max_bgerror_resume_count = 0;
  // After a compaction without room the next one must not wait for a write buffer's room, too.
  options.sst_file_manager.reset(rocksdb::NewSstFileManager(options.env));
  options.sst_file_manager->SetCompactionBufferSize(1);
  options.listeners.push_back(std::make_shared<NoAutoRecovery>());
  options.info_log = std::make_shared<NoLogger>();
  options.stats_dump_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace sr2l
