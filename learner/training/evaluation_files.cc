#include "learner/training/evaluation_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/files/atomic_write.h"
#include "common/files/file_descriptor.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// One column per line of Append.
constexpr char kHeader[] =
    "member,seed,radius,coefficient,round,env_steps,policy_version,evaluation_seed,episodes,"
    "return_mean,return_std,return_min,return_max,length_mean\n";
constexpr size_t kColumns = 14;
constexpr size_t kRoundColumn = 4;
constexpr size_t kStepsColumn = 5;
constexpr size_t kReturnColumn = 9;
constexpr char kSuffix[] = ".evaluation";

// A number that reads back to the same bits; empty when there is none.
std::string Cell(double value) { return std::isnan(value) ? "" : absl::StrFormat("%.17g", value); }

std::optional<EvaluationRow> ReadRow(const std::string& line) {
  const std::vector<absl::string_view> cells = absl::StrSplit(line, ',');
  EvaluationRow row;
  if (cells.size() == kColumns && absl::SimpleAtoi(cells[0], &row.key.member) &&
      absl::SimpleAtoi(cells[kRoundColumn], &row.key.round) &&
      absl::SimpleAtoi(cells[kStepsColumn], &row.env_steps) &&
      absl::SimpleAtod(cells[kReturnColumn], &row.return_mean)) {
    return row;
  }
  return std::nullopt;
}

// "member_000_round_000100.evaluation"; none for another file.
std::optional<EvaluationKey> ReadName(absl::string_view name) {
  EvaluationKey key;
  if (!absl::ConsumePrefix(&name, "member_") || !absl::ConsumeSuffix(&name, kSuffix)) {
    return std::nullopt;
  }
  const std::vector<absl::string_view> numbers = absl::StrSplit(name, "_round_");
  if (numbers.size() == 2 && absl::SimpleAtoi(numbers[0], &key.member) &&
      absl::SimpleAtoi(numbers[1], &key.round)) {
    return key;
  }
  return std::nullopt;
}

// What replaces a pending evaluation must outlive a loss of power as that does.
absl::Status AppendDurably(const std::string& path, const std::string& text) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.valid()) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", strerror(errno)));
  }
  SR2L_RETURN_IF_ERROR(AppendWhole(file.get(), text, path));
  return SyncFile(file.get(), path);
}

bool IsLearned(const EvaluationKey& key, const std::vector<uint64_t>& rounds) {
  return key.member < rounds.size() && key.round <= rounds[key.member];
}

}  // namespace

std::string EvaluationFiles::PendingPath(const EvaluationKey& key) const {
  return absl::StrFormat("%s/member_%03d_round_%06d%s", PendingFolder(), key.member, key.round,
                         kSuffix);
}

absl::Status EvaluationFiles::Resume(const std::vector<uint64_t>& rounds) {
  SR2L_RETURN_IF_ERROR(ResumeRows(rounds));
  return ResumePending(rounds);
}

absl::Status EvaluationFiles::ResumeRows(const std::vector<uint64_t>& rounds) {
  const std::string csv_path = path_ + "/evaluations.csv";
  std::ifstream old(csv_path);
  if (!old) return absl::OkStatus();
  std::string line;
  std::getline(old, line);
  std::string kept = kHeader;
  if (line + "\n" != kept) {
    return absl::DataLossError(absl::StrCat(csv_path, " was written by another version of sr2l"));
  }
  while (std::getline(old, line)) {
    // The last line may be cut short: it then has no end, and its evaluation is pending.
    const std::optional<EvaluationRow> row = old.eof() ? std::nullopt : ReadRow(line);
    if (!row || !IsLearned(row->key, rounds)) continue;
    absl::StrAppend(&kept, line, "\n");
    resumed_rows_.push_back(*row);
  }
  std::sort(resumed_rows_.begin(), resumed_rows_.end(),
            [](const EvaluationRow& a, const EvaluationRow& b) { return a.key < b.key; });
  return WriteFileDurably(csv_path, kept);
}

absl::Status EvaluationFiles::ResumePending(const std::vector<uint64_t>& rounds) {
  std::error_code none;  // no folder, no files
  for (const fs::directory_entry& entry : fs::directory_iterator(PendingFolder(), none)) {
    const std::optional<EvaluationKey> key = ReadName(entry.path().filename().string());
    if (!key.has_value()) continue;
    const bool has_row = std::any_of(resumed_rows_.begin(), resumed_rows_.end(),
                                     [&key](const EvaluationRow& row) { return row.key == *key; });
    if (IsLearned(*key, rounds) && !has_row) {
      resumed_pending_.push_back(*key);
    } else {
      SR2L_RETURN_IF_ERROR(RemovePending(*key));
    }
  }
  std::sort(resumed_pending_.begin(), resumed_pending_.end());
  return absl::OkStatus();
}

absl::Status EvaluationFiles::WritePending(const v1::EvaluationGrant& evaluation) const {
  std::error_code error;
  fs::create_directories(PendingFolder(), error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot create ", PendingFolder(), ": ", error.message()));
  }
  return WriteFileDurably(PendingPath({.member = evaluation.member(), .round = evaluation.round()}),
                          evaluation.SerializeAsString());
}

absl::StatusOr<v1::EvaluationGrant> EvaluationFiles::ReadPending(const EvaluationKey& key) const {
  const std::string path = PendingPath(key);
  std::ifstream file(path, std::ios::binary);
  v1::EvaluationGrant evaluation;
  if (!file || !evaluation.ParseFromIstream(&file) || evaluation.member() != key.member ||
      evaluation.round() != key.round || !evaluation.has_policy()) {
    return absl::DataLossError(absl::StrCat(path, " is damaged"));
  }
  return evaluation;
}

absl::Status EvaluationFiles::RemovePending(const EvaluationKey& key) const {
  std::error_code error;
  fs::remove(PendingPath(key), error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot remove ", PendingPath(key), ": ", error.message()));
}

absl::Status EvaluationFiles::Append(const EvaluationRow& r) {
  const std::string row = absl::StrCat(
      absl::StrJoin({absl::StrCat(r.key.member), absl::StrCat(r.member_seed), Cell(r.radius),
                     Cell(r.coefficient), absl::StrCat(r.key.round), absl::StrCat(r.env_steps),
                     absl::StrCat(r.policy_version), absl::StrCat(r.evaluation_seed),
                     absl::StrCat(r.episodes), Cell(r.return_mean), Cell(r.return_std),
                     Cell(r.return_min), Cell(r.return_max), Cell(r.length_mean)},
                    ","),
      "\n");
  const std::string csv_path = path_ + "/evaluations.csv";
  absl::MutexLock lock(&mu_);
  std::error_code none;
  if (!fs::exists(csv_path, none)) SR2L_RETURN_IF_ERROR(WriteFileDurably(csv_path, kHeader));
  return AppendDurably(csv_path, row);
}

}  // namespace sr2l
