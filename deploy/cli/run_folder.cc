#include "deploy/cli/run_folder.h"

#include <errno.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/address.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kLongestSocketName = "actor-1023.sock";

absl::Status FileError(const std::error_code& error, absl::string_view what) {
  return absl::ErrnoToStatus(error.value(), what);
}

absl::Status MakeFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FileError(error, absl::StrCat("cannot make the folder ", path.string()));
  return absl::OkStatus();
}

absl::StatusOr<fs::path> Absolute(const std::string& path) {
  std::error_code error;
  fs::path run = fs::absolute(path, error).lexically_normal();
  if (error) return FileError(error, absl::StrCat("not a path: ", path));
  if (!run.has_filename()) run = run.parent_path();  // "runs/a/" is "runs/a"
  return run;
}

absl::Status RefuseUsedFolder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return absl::OkStatus();
  if (!fs::is_directory(status)) {
    return absl::AlreadyExistsError(absl::StrCat(path.string(), " exists and is no folder"));
  }
  fs::directory_iterator entry(path, error);
  // A lock is all that is left when nothing else could be made.
  while (!error && entry != fs::directory_iterator() &&
         entry->path().filename() == FolderLock::kName) {
    entry.increment(error);
  }
  if (error) return FileError(error, absl::StrCat("cannot read the folder ", path.string()));
  if (entry == fs::directory_iterator()) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("the run's folder ", path.string(),
                   " is not empty: name another one with --run, or remove it"));
}

absl::StatusOr<FolderLock> LockNewFolder(const fs::path& run) {
  if (const absl::Status used = RefuseUsedFolder(run); !used.ok()) {
    // That somebody is at work in it says more than that something lies in it.
    std::error_code error;
    if (fs::exists(run / FolderLock::kName, error)) {
      SR2L_RETURN_IF_ERROR(FolderLock::Take(run.string()).status());
    }
    return used;
  }
  SR2L_RETURN_IF_ERROR(MakeFolder(run));
  SR2L_ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Take(run.string()));
  // Until now somebody else could use it.
  SR2L_RETURN_IF_ERROR(RefuseUsedFolder(run));
  return lock;
}

absl::Status RequireState(const fs::path& run) {
  const auto has = [&run](const char* name) {
    std::error_code error;
    return fs::exists(run / name, error);
  };
  if (has("experiments.db")) return absl::OkStatus();
  // A run that was cut off before its learner made a store has nothing of these, and begins.
  std::error_code error;
  const bool has_policies = has("policies") && !fs::is_empty(run / "policies", error);
  if (!has_policies && !has("curve.csv") && !has("checkpoints") && !has("evaluations.csv")) {
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat(
      "the run in ", run.string(), " cannot go on: experiments.db, which says how far it is, is "
      "missing; put it back, or train anew with: sr2l train ",
      (run / "experiment.textproto").string(), " --run OTHER_DIR"));
}

// A fresh folder under $TMPDIR that only this user may enter.
absl::StatusOr<std::string> MakePrivateFolder() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return FileError(error, "no folder for temporary files ($TMPDIR)");
  std::string name = (parent / "sr2l-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make the folder ", name));
  }
  return name;
}

absl::StatusOr<std::string> MakeSocketsFolder(const fs::path& run) {
  const fs::path sockets = run / "sockets";
  std::error_code error;
  if (sockets.string().size() + 1 + kLongestSocketName.size() <= kUnixPathLimit) {
    SR2L_RETURN_IF_ERROR(MakeFolder(sockets));
    fs::permissions(sockets, fs::perms::owner_all, error);
    if (error) return FileError(error, absl::StrCat("cannot restrict ", sockets.string()));
    return sockets.string();
  }
  SR2L_ASSIGN_OR_RETURN(const std::string target, MakePrivateFolder());
  fs::create_directory_symlink(target, sockets, error);
  if (error) return FileError(error, absl::StrCat("cannot link ", sockets.string()));
  return target;
}

absl::Status MakeParts(const fs::path& run) {
  SR2L_RETURN_IF_ERROR(MakeFolder(run / "logs"));
  return MakeFolder(run / "policies");
}

}  // namespace

absl::StatusOr<RunFolder> RunFolder::Open(const std::string& path) {
  SR2L_ASSIGN_OR_RETURN(const fs::path run, Absolute(path));
  std::error_code error;
  if (!fs::exists(run / "experiment.textproto", error)) {
    return absl::NotFoundError(
        absl::StrCat(run.string(), " is no run's folder: it has no experiment.textproto"));
  }
  SR2L_ASSIGN_OR_RETURN(FolderLock lock, FolderLock::Take(run.string()));
  SR2L_RETURN_IF_ERROR(RequireState(run));
  SR2L_RETURN_IF_ERROR(MakeParts(run));
  fs::remove_all(run / "sockets", error);
  if (error) return FileError(error, absl::StrCat("cannot remove ", (run / "sockets").string()));
  SR2L_ASSIGN_OR_RETURN(std::string sockets, MakeSocketsFolder(run));
  return RunFolder(std::move(lock), run.string(), std::move(sockets));
}

absl::StatusOr<RunFolder> RunFolder::Create(const std::string& path) {
  SR2L_ASSIGN_OR_RETURN(const fs::path run, Absolute(path));
  SR2L_ASSIGN_OR_RETURN(FolderLock lock, LockNewFolder(run));
  SR2L_RETURN_IF_ERROR(MakeParts(run));
  SR2L_ASSIGN_OR_RETURN(std::string sockets, MakeSocketsFolder(run));
  return RunFolder(std::move(lock), run.string(), std::move(sockets));
}

std::string RunFolder::DefaultPath(absl::string_view name, absl::Time now) {
  const std::string stem = absl::StrCat(
      "runs/", name, "-", absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone()));
  std::string path = stem;
  for (int number = 2; fs::exists(path); ++number) path = absl::StrCat(stem, "-", number);
  return path;
}

std::string RunFolder::Experiment() const { return path_ + "/experiment.textproto"; }
std::string RunFolder::Store() const { return path_ + "/experiments.db"; }
std::string RunFolder::Curve() const { return path_ + "/curve.csv"; }
std::string RunFolder::Policies() const { return path_ + "/policies"; }
std::string RunFolder::ReplayLog() const { return path_ + "/replay"; }
std::string RunFolder::Logs() const { return path_ + "/logs"; }

std::string RunFolder::Log(absl::string_view process) const {
  return absl::StrCat(path_, "/logs/", process, ".log");
}

std::string RunFolder::SocketAddress(absl::string_view process) const {
  return absl::StrCat("unix:", sockets_, "/", process, ".sock");
}

std::string RunFolder::AddressFile(absl::string_view process) const {
  return absl::StrCat(sockets_, "/", process, ".address");
}

void RunFolder::RemoveSockets() const {
  std::error_code ignored;  // what cannot be removed is left behind, harmless
  if (sockets_ != path_ + "/sockets") {
    fs::remove_all(sockets_, ignored);
    fs::remove(path_ + "/sockets", ignored);
    return;
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(sockets_, ignored)) {
    fs::remove(entry.path(), ignored);
  }
}

absl::StatusOr<std::string> ReadAddress(const std::string& address_file, absl::string_view key) {
  std::ifstream file(address_file);
  const std::string prefix = absl::StrCat(key, "=");
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, prefix)) return line.substr(prefix.size());
  }
  return absl::NotFoundError(absl::StrCat(address_file, " has no line ", prefix));
}

}  // namespace sr2l
