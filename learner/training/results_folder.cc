#include "learner/training/results_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/config/save.h"
#include "common/files/atomic_write.h"
#include "common/log/log.h"
#include "common/policy/member_file.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// One column of curve.csv per line; AppendRound writes them in this order.
constexpr char kHeader[] =
    "member,seed,radius,coefficient,round,env_steps,updates,episodes,return_mean,return_std,"
    "length_mean,kl,surrogate,nonsmoothness,perturbation_gain,boundary_share,sigma,value_loss,"
    "explained_variance,backtracks,gradient_norm,critic_loss,q_mean,actor_objective,"
    "local_lipschitz,wall_seconds\n";

constexpr size_t kRoundColumn = 4;
constexpr size_t kStepsColumn = 5;

// A number that reads back to the same bits; empty when the field is not set.
std::string Cell(bool present, double value) {
  return present ? absl::StrFormat("%.17g", value) : "";
}

// A row of the curve, as far as it is looked at again.
struct CurveRow {
  uint64_t member = 0;
  uint64_t round = 0;
  uint64_t env_steps = 0;
};

std::optional<CurveRow> ReadRow(const std::string& line) {
  const std::vector<absl::string_view> cells = absl::StrSplit(line, ',');
  CurveRow row;
  if (cells.size() > kStepsColumn && absl::SimpleAtoi(cells[0], &row.member) &&
      absl::SimpleAtoi(cells[kRoundColumn], &row.round) &&
      absl::SimpleAtoi(cells[kStepsColumn], &row.env_steps)) {
    return row;
  }
  return std::nullopt;
}

}  // namespace

absl::Status ResultsFolder::OpenCurve() {
  absl::MutexLock lock(&mu_);
  curve_ = FileDescriptor(open(CurvePath().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (curve_.valid()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", CurvePath(), ": ", strerror(errno)));
}

absl::StatusOr<std::unique_ptr<ResultsFolder>> ResultsFolder::Resume(
    const std::string& path, const std::vector<uint64_t>& rounds,
    const std::vector<uint64_t>& env_steps, absl::Time now) {
  std::unique_ptr<ResultsFolder> folder(new ResultsFolder(path, now));
  const std::string curve_path = folder->CurvePath();
  std::ifstream old(curve_path);
  if (!old && *std::max_element(rounds.begin(), rounds.end()) == 0) {
    return absl::NotFoundError(absl::StrCat(curve_path, " is missing"));
  }
  std::string line;
  std::getline(old, line);
  std::string kept = kHeader;
  const bool lost = !old || (old.eof() && absl::StartsWith(kept, line));
  if (lost)
    SR2L_WARNING("{} is missing or lost its beginning; a new one begins where training goes on",
                 curve_path);
  if (!lost && line + "\n" != kept) {
    return absl::DataLossError(absl::StrCat(curve_path, " was written by another version of sr2l"));
  }
  std::map<uint32_t, uint64_t> last_steps;
  for (uint32_t member = 0; member < rounds.size(); ++member) {
    last_steps[member] = lost ? env_steps[member] : 0;
  }
  while (std::getline(old, line)) {
    // The last line may be cut short: it then has no end.
    const std::optional<CurveRow> row = old.eof() ? std::nullopt : ReadRow(line);
    if (!row || row->member >= rounds.size() || row->round > rounds[row->member]) continue;
    absl::StrAppend(&kept, line, "\n");
    last_steps[static_cast<uint32_t>(row->member)] = row->env_steps;
  }
  SR2L_RETURN_IF_ERROR(WriteFileDurably(curve_path, kept));
  SR2L_RETURN_IF_ERROR(folder->OpenCurve());
  SR2L_RETURN_IF_ERROR(folder->evaluations_.Resume(rounds));
  std::map<uint32_t, std::set<uint64_t>> evaluated_steps;
  for (const EvaluationRow& row : folder->evaluations_.resumed_rows()) {
    evaluated_steps[row.key.member].insert(row.env_steps);
  }
  absl::MutexLock lock(&folder->mu_);
  SR2L_RETURN_IF_ERROR(folder->tensorboard_.Resume(last_steps, evaluated_steps));
  return folder;
}

absl::StatusOr<std::unique_ptr<ResultsFolder>> ResultsFolder::Create(
    const std::string& path, const v1::ExperimentConfig& config, absl::Time now) {
  std::error_code error;
  fs::create_directories(fs::path(path) / "policies", error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot create ", path, ": ", error.message()));
  }
  std::unique_ptr<ResultsFolder> folder(new ResultsFolder(path, now));
  const std::string curve_path = folder->CurvePath();
  if (fs::exists(curve_path)) {
    return absl::AlreadyExistsError(absl::StrCat(curve_path, " exists; results are not replaced"));
  }
  SR2L_RETURN_IF_ERROR(SaveExperiment(config, path));
  SR2L_RETURN_IF_ERROR(WriteFileDurably(curve_path, kHeader));
  SR2L_RETURN_IF_ERROR(folder->OpenCurve());
  return folder;
}

absl::Status ResultsFolder::AppendRound(const v1::MemberProgress& m, double wall_seconds,
                                        absl::Time now) {
  const std::string row = absl::StrCat(
      absl::StrJoin({absl::StrCat(m.member()), absl::StrCat(m.seed()),
                     Cell(true, m.radius()), Cell(true, m.coefficient()),
                     absl::StrCat(m.rounds()), absl::StrCat(m.env_steps()),
                     absl::StrCat(m.updates()), absl::StrCat(m.episodes()),
                     Cell(m.has_return_mean(), m.return_mean()),
                     Cell(m.has_return_std(), m.return_std()),
                     Cell(m.has_length_mean(), m.length_mean()), Cell(m.has_kl(), m.kl()),
                     Cell(m.has_surrogate(), m.surrogate()),
                     Cell(m.has_nonsmoothness(), m.nonsmoothness()),
                     Cell(m.has_perturbation_gain(), m.perturbation_gain()),
                     Cell(m.has_boundary_share(), m.boundary_share()),
                     Cell(m.has_sigma(), m.sigma()), Cell(m.has_value_loss(), m.value_loss()),
                     Cell(m.has_explained_variance(), m.explained_variance()),
                     m.has_backtracks() ? absl::StrCat(m.backtracks()) : "",
                     Cell(m.has_gradient_norm(), m.gradient_norm()),
                     Cell(m.has_critic_loss(), m.critic_loss()), Cell(m.has_q_mean(), m.q_mean()),
                     Cell(m.has_actor_objective(), m.actor_objective()),
                     Cell(m.has_local_lipschitz(), m.local_lipschitz()),
                     absl::StrFormat("%.3f", wall_seconds)},
                    ","),
      "\n");
  absl::MutexLock lock(&mu_);
  SR2L_RETURN_IF_ERROR(AppendWhole(curve_.get(), row, CurvePath()));
  return tensorboard_.Append(m, wall_seconds, now);
}

absl::Status ResultsFolder::SyncRounds() {
  int curve = -1;
  {
    absl::MutexLock lock(&mu_);
    curve = curve_.get();  // open as long as this is
  }
  return SyncFile(curve, CurvePath());
}

absl::Status ResultsFolder::AppendEvaluation(const EvaluationRow& row, absl::Time now) {
  {
    // First: an event without a row is dropped on a resume, a row without an event stays.
    absl::MutexLock lock(&mu_);
    SR2L_RETURN_IF_ERROR(tensorboard_.AppendEvaluation({.member = row.key.member,
                                                        .env_steps = row.env_steps,
                                                        .return_mean = row.return_mean,
                                                        .length_mean = row.length_mean},
                                                       now));
  }
  return evaluations_.Append(row);
}

absl::Status ResultsFolder::WriteMember(const v1::TrainedMember& member,
                                        std::optional<uint64_t> keep_round) {
  const std::string stem =
      absl::StrFormat("%s/policies/member_%03d", path_, member.policy().member());
  const std::string bytes = EncodeMemberFile(member);
  if (keep_round.has_value()) {
    SR2L_RETURN_IF_ERROR(
        WriteFileDurably(absl::StrFormat("%s_round_%06d.member", stem, *keep_round), bytes));
  }
  return WriteFileDurably(stem + ".member", bytes);
}

}  // namespace sr2l
