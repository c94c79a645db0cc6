#include "replay/core/log_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "replay/core/log_format.h"

namespace sr2l {
namespace {

constexpr absl::Duration kRetry = absl::Seconds(1);  // of a database that failed

std::string SyncedPath(const std::string& folder) { return folder + "/SYNCED"; }

// A sequence number and its complement, in this machine's order of bytes.
using SyncedMark = std::array<uint64_t, 2>;

// Syncs a file or a folder. One that is gone needs no sync: the database has what it held
// elsewhere.
rocksdb::Status SyncPath(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return rocksdb::Status::OK();
  const bool synced = file >= 0 && fsync(file) == 0;
  const int error = errno;
  if (file >= 0) close(file);
  if (synced) return rocksdb::Status::OK();
  const std::string text = absl::StrCat("cannot sync ", path, ": ", std::strerror(error));
  return error == ENOSPC ? rocksdb::Status::NoSpace(text) : rocksdb::Status::IOError(text);
}

// Every write reached the system when it returned, so any descriptor of the file will do.
// RocksDB's own SyncWAL may abort the process when a write fails beside it.
rocksdb::Status SyncWals(const std::string& folder) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    if (file.path().extension() != ".log") continue;
    const rocksdb::Status synced = SyncPath(file.path());
    if (!synced.ok()) return synced;
  }
  if (error) return rocksdb::Status::IOError(folder, error.message());
  return SyncPath(folder);
}

}  // namespace

absl::Status LogWriter::CheckSynced(rocksdb::DB& db, const std::string& folder) {
  SyncedMark mark{};
  std::ifstream file(SyncedPath(folder), std::ios::binary);
  file.read(reinterpret_cast<char*>(mark.data()), sizeof(mark));
  const uint64_t sequence = db.GetLatestSequenceNumber();
  if (!file || mark[0] != ~mark[1] || mark[0] <= sequence) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "the log ends at record ", sequence, ", but the disk had it up to ", mark[0],
      ": a file of it is missing, cut or damaged. Bring the folder back from a copy; to go on "
      "without what is lost, remove ",
      SyncedPath(folder)));
}

LogWriter::LogWriter(rocksdb::DB& db, const std::string& folder, const LogSyncOptions& options)
    : db_(db),
      folder_(folder),
      options_(options),
      synced_file_(open(SyncedPath(folder).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)),
      thread_([this] { Run(); }) {}

LogWriter::~LogWriter() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
  }
  thread_.join();
  if (synced_file_ >= 0) close(synced_file_);
}

absl::Status LogWriter::Write(rocksdb::WriteBatch& batch, Stall stall) {
  rocksdb::WriteOptions options;
  options.no_slowdown = stall == Stall::kRefuse;
  const rocksdb::Status status = db_.Write(options, &batch);
  if (!status.ok()) return NoteFailure(status);
  absl::MutexLock lock(&mu_);
  health_.full = false;
  return absl::OkStatus();
}

absl::Status LogWriter::NoteFailure(const rocksdb::Status& status) {
  const absl::Status cause = ToAbsl(status);
  if (absl::IsUnavailable(cause)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the log is behind its disk: ", cause.message()));
  }
  const bool full = absl::IsResourceExhausted(cause);
  absl::MutexLock lock(&mu_);
  if (!full) ++health_.errors;
  // A line when it begins, not for every chunk.
  if (!failed_) SR2L_ERROR("the log takes no more: {}", std::string(cause.message()));
  failed_ = true;
  health_.full = full;
  return absl::ResourceExhaustedError(absl::StrCat(
      full ? "the disk of the log is full: " : "the log does not take it: ", cause.message()));
}

void LogWriter::WhenDurable(Done done) {
  if (options_.mode != LogSync::kCommit) return done(absl::OkStatus());
  absl::MutexLock lock(&mu_);
  waiting_.push_back(std::move(done));
}

LogHealth LogWriter::health() const {
  absl::MutexLock lock(&mu_);
  return health_;
}

absl::Duration LogWriter::Rest() const {
  if (failed_) return kRetry;
  return options_.mode == LogSync::kInterval ? options_.interval : kRetry;
}

void LogWriter::Run() {
  bool closed = false;
  while (!closed) {
    std::vector<Done> waiting;
    bool failed = false;
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(this, &LogWriter::HasWork), Rest());
      waiting.swap(waiting_);
      closed = closed_;
      failed = failed_;
    }
    if (failed) Resume();
    absl::Status synced;
    if (closed || !waiting.empty() || options_.mode == LogSync::kInterval) synced = Sync();
    for (Done& done : waiting) {
      done(synced);
      done = nullptr;  // and what it held, before the next one
    }
  }
}

absl::Status LogWriter::Sync() {
  {
    absl::MutexLock lock(&mu_);
    if (failed_) return absl::ResourceExhaustedError("the log waits for its disk");
  }
  const uint64_t sequence = db_.GetLatestSequenceNumber();
  if (sequence == synced_) return absl::OkStatus();
  const rocksdb::Status status = SyncWals(folder_);
  if (!status.ok()) return NoteFailure(status);
  synced_ = sequence;
  NoteSynced(sequence);
  return absl::OkStatus();
}

void LogWriter::NoteSynced(uint64_t sequence) {
  const SyncedMark mark = {sequence, ~sequence};
  // Nothing depends on it but how soon a loss is noticed.
  if (synced_file_ >= 0 && pwrite(synced_file_, mark.data(), sizeof(mark), 0) < 0) {
    SR2L_WARNING("cannot note how far the log is synced: {}", std::strerror(errno));
  }
}

void LogWriter::Resume() {
  // What the WAL on disk holds is not to be trusted any more: after a failed sync the system may
  // call pages clean that never reached the disk. All is written again from memory, to a table
  // file, and the WAL is dropped.
  if (!db_.Resume().ok() || !db_.Flush(rocksdb::FlushOptions()).ok()) return;
  absl::MutexLock lock(&mu_);
  SR2L_INFO("the log goes on");
  failed_ = false;
  health_.full = false;
}

}  // namespace sr2l
