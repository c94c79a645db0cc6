#include "replay/core/log_writer.h"

#include <fcntl.h>
#include <rocksdb/convenience.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/status/status_macros.h"
#include "replay/core/log_format.h"

namespace sr2l {
namespace {

// After a failure, between two looks at the disk.
constexpr absl::Duration kRetry = absl::Milliseconds(500);
constexpr uint64_t kSlackBytes = uint64_t{4} << 20;  // more than any one write

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
  std::filesystem::directory_iterator file(folder, error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    if (file->path().extension() != ".log") continue;
    const rocksdb::Status synced = SyncPath(file->path());
    if (!synced.ok()) return synced;
  }
  if (error) return rocksdb::Status::IOError(folder, error.message());
  return SyncPath(folder);
}

}  // namespace

LogWriter::LogWriter(Database db, Options options)
    : options_(std::move(options)), synced_file_(options_.folder), db_(std::move(db)) {
  synced_file_.NoteManifest(*db_);
  if (synced_file_.mark().untrusted != 0) {
    failure_ = Failure::kSync;
    health_.refusal = "the log is written again, as a sync of it failed";
  }
  thread_ = std::thread([this] { Run(); });
}

LogWriter::~LogWriter() {
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
  }
  thread_.join();
  absl::MutexLock lock(&db_mu_);
  if (db_ == nullptr) return;
  rocksdb::CancelAllBackgroundWork(db_.get(), /*wait=*/true);
  synced_file_.NoteManifest(*db_);
  db_->Close();
}

absl::Status LogWriter::Write(rocksdb::WriteBatch& batch, Stall stall) {
  rocksdb::WriteOptions options;
  options.no_slowdown = stall == Stall::kRefuse;
  absl::ReaderMutexLock db_lock(&db_mu_);
  {
    absl::MutexLock lock(&mu_);
    // A database that failed is not asked again: it may take a record behind one that it cut.
    if (failure_ == Failure::kWrite || failure_ == Failure::kLost) return Refusal();
  }
  const absl::Status written = ToAbsl(db_->Write(options, &batch));
  if (written.ok()) return written;
  if (absl::IsUnavailable(written)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the log is behind its disk: ", written.message()));
  }
  return NoteFailure(written, Failure::kWrite);
}

absl::Status LogWriter::Read(const std::function<void(rocksdb::DB&)>& read) const {
  absl::ReaderMutexLock db_lock(&db_mu_);
  if (db_ == nullptr) return absl::UnavailableError("the log waits for its disk");
  read(*db_);
  return absl::OkStatus();
}

absl::Status LogWriter::NoteFailure(const absl::Status& cause, Failure failure) {
  const bool full = absl::IsResourceExhausted(cause);
  absl::MutexLock lock(&mu_);
  if (!full) ++health_.errors;
  if (failure_ == Failure::kNone) {
    // A line when it begins, not for every chunk.
    SR2L_ERROR("{}: {}",
               failure == Failure::kSync ? "the log cannot be synced" : "the log takes no more",
               std::string(cause.message()));
    // Opening the log anew drops what was written in vain; that is no room to go on in.
    room_to_exceed_ = full ? Room() + kSlackBytes : 0;
    attempt_ = absl::Now();
  }
  failure_ = std::max(failure_, failure);
  if (failure == Failure::kWrite && absl::IsDataLoss(cause) && !std::exchange(damaged_, true)) {
    SR2L_WARNING("the log is not compacted as long as it is damaged: {}",
                 std::string(cause.message()));
  }
  health_.full = full;
  const char* const what = full                         ? "the disk of the log is full: "
                           : failure_ == Failure::kSync ? "the log cannot be synced: "
                                                        : "the log does not take it: ";
  health_.refusal = absl::StrCat(what, cause.message());
  return Refusal();
}

absl::Status LogWriter::Refusal() const { return absl::ResourceExhaustedError(health_.refusal); }

void LogWriter::WhenDurable(Done done) {
  if (options_.sync.mode != LogSync::kCommit) return done(absl::OkStatus());
  absl::MutexLock lock(&mu_);
  waiting_.push_back(std::move(done));
}

void LogWriter::AwaitDurable(const std::shared_ptr<const Done>& done) {
  if (options_.sync.mode != LogSync::kCommit) return (*done)(absl::OkStatus());
  AddPatient(done);
}

void LogWriter::AwaitSync(const std::shared_ptr<const Done>& done) {
  if (options_.sync.mode == LogSync::kNone) return (*done)(absl::OkStatus());
  AddPatient(done);
}

void LogWriter::AddPatient(const std::shared_ptr<const Done>& done) {
  absl::MutexLock lock(&mu_);
  // While the disk fails many may come and go.
  std::erase_if(patient_, [](const auto& waiting) { return waiting.expired(); });
  patient_.push_back(done);
}

LogHealth LogWriter::health() const {
  absl::MutexLock lock(&mu_);
  return health_;
}

absl::Duration LogWriter::Rest() const {
  if (failure_ != Failure::kNone) return kRetry;
  return options_.sync.mode == LogSync::kInterval ? options_.sync.interval : kRetry;
}

void LogWriter::Run() {
  bool closed = false;
  while (!closed) {
    std::vector<Done> waiting;
    std::vector<std::weak_ptr<const Done>> patient;
    bool failed = false;
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(this, &LogWriter::HasWork), Rest());
      waiting.swap(waiting_);
      closed = closed_;
      failed = failure_ != Failure::kNone;
      if (closed || !failed) patient.swap(patient_);
    }
    if (failed) Recover();
    absl::Status synced;
    const bool awaited = !waiting.empty() || !patient.empty();
    if (closed || awaited || options_.sync.mode == LogSync::kInterval) synced = Sync();
    NoteSynced();
    for (Done& done : waiting) {
      done(synced);
      done = nullptr;  // and what it held, before the next one
    }
    if (!closed && !synced.ok()) {
      absl::MutexLock lock(&mu_);
      patient_.insert(patient_.begin(), std::make_move_iterator(patient.begin()),
                      std::make_move_iterator(patient.end()));
      continue;
    }
    for (const auto& done : patient) {
      if (const auto held = done.lock()) (*held)(synced);
    }
  }
}

absl::Status LogWriter::Sync() {
  {
    absl::MutexLock lock(&mu_);
    if (failure_ != Failure::kNone) return Refusal();
  }
  uint64_t sequence = 0;
  SR2L_RETURN_IF_ERROR(
      Read([&sequence](rocksdb::DB& db) { sequence = db.GetLatestSequenceNumber(); }));
  if (sequence == synced_) return absl::OkStatus();
  const absl::Status synced = ToAbsl(SyncWals(options_.folder));
  if (!synced.ok()) {
    synced_file_.NoteUntrusted(true);
    return NoteFailure(synced, Failure::kSync);
  }
  synced_ = sequence;
  return absl::OkStatus();
}

void LogWriter::NoteSynced() {
  {
    absl::MutexLock lock(&mu_);
    if (failure_ != Failure::kNone) return;
  }
  const uint64_t sequence = synced_ == 0 ? synced_file_.mark().sequence : synced_;
  Read([&](rocksdb::DB& db) { synced_file_.Note(db, sequence); }).IgnoreError();
}

uint64_t LogWriter::Room() const {
  struct statvfs disk = {};
  const bool known = statvfs(options_.folder.c_str(), &disk) == 0;
  return known ? uint64_t{disk.f_bavail} * disk.f_frsize : 0;
}

bool LogWriter::IsWorthTrying() {
  const absl::Time now = absl::Now();
  const uint64_t room = Room();
  // A quota does not show in the room.
  if (room <= room_to_exceed_ && now < attempt_ + options_.sync.retry) return false;
  room_to_exceed_ = room;
  attempt_ = now;
  return true;
}

void LogWriter::Recover() {
  Failure failure;
  bool damaged;
  {
    absl::MutexLock lock(&mu_);
    failure = failure_;
    damaged = damaged_;
    if (failure == Failure::kLost || !IsWorthTrying()) return;
  }
  absl::MutexLock db_lock(&db_mu_);
  absl::Status recovered;
  Failure still = Failure::kWrite;
  if (failure == Failure::kWrite || db_ == nullptr) {
    recovered = Reopen(damaged);
    if (absl::IsDataLoss(recovered)) still = Failure::kLost;
  }
  // After a failed sync the system may call pages clean that never reached the disk. All is
  // written again from memory, to a table file, and the WAL is dropped.
  if (recovered.ok() && synced_file_.mark().untrusted != 0) {
    recovered = ToAbsl(db_->Flush(rocksdb::FlushOptions()));
    if (recovered.ok()) synced_file_.NoteUntrusted(false);
  }
  if (!recovered.ok()) {
    NoteFailure(recovered, still).IgnoreError();
    return;
  }
  synced_ = 0;
  absl::MutexLock lock(&mu_);
  SR2L_INFO("the log goes on");
  failure_ = Failure::kNone;
  health_.full = false;
  health_.refusal.clear();
}

absl::Status LogWriter::Reopen(bool damaged) {
  // RocksDB's own recovery is no help: it waits for more room than may ever be, does not leave
  // the file whose end was cut as long as nothing else was written to it, and gives up where it
  // could not open the next one.
  if (db_ != nullptr) {
    written_ = db_->GetLatestSequenceNumber();
    db_->Close();
    db_.reset();
  }
  SR2L_ASSIGN_OR_RETURN(Database db, options_.reopen(damaged));
  const uint64_t sequence = db->GetLatestSequenceNumber();
  if (sequence < written_) {
    return absl::DataLossError(absl::StrCat("opened anew it ends at record ", sequence,
                                            ", but had taken ", written_, " records"));
  }
  db_ = std::move(db);
  return absl::OkStatus();
}

}  // namespace sr2l
