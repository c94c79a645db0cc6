#include "learner/training/results_folder.h"

#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/config/load.h"
#include "common/files/atomic_write.h"
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

// A number that reads back to the same bits; empty when the field is not set.
std::string Cell(bool present, double value) {
  return present ? absl::StrFormat("%.17g", value) : "";
}

// Whether a row of the curve is of a round that its member had finished.
bool IsLearned(const std::string& row, const std::vector<uint64_t>& rounds) {
  const std::vector<absl::string_view> cells = absl::StrSplit(row, ',');
  uint64_t member = 0;
  uint64_t round = 0;
  return cells.size() > kRoundColumn && absl::SimpleAtoi(cells[0], &member) &&
         absl::SimpleAtoi(cells[kRoundColumn], &round) && member < rounds.size() &&
         round <= rounds[member];
}

}  // namespace

absl::StatusOr<std::unique_ptr<ResultsFolder>> ResultsFolder::Resume(
    const std::string& path, const std::vector<uint64_t>& rounds) {
  const std::string curve_path = absl::StrCat(path, "/curve.csv");
  std::ifstream old(curve_path);
  if (!old) return absl::NotFoundError(absl::StrCat(curve_path, " is missing"));
  std::string line;
  std::getline(old, line);
  std::string kept = kHeader;
  if (line + "\n" != kept) {
    return absl::FailedPreconditionError(
        absl::StrCat(curve_path, " was written by another version of sr2l"));
  }
  while (std::getline(old, line)) {
    // The last line may be cut short: it then has no end.
    if (!old.eof() && IsLearned(line, rounds)) absl::StrAppend(&kept, line, "\n");
  }
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(curve_path, kept));
  std::unique_ptr<ResultsFolder> folder(new ResultsFolder(path));
  absl::MutexLock lock(&folder->mu_);
  folder->curve_.open(curve_path, std::ios::app);
  if (!folder->curve_) {
    return absl::UnavailableError(absl::StrCat("cannot write ", curve_path));
  }
  return folder;
}

absl::StatusOr<std::unique_ptr<ResultsFolder>> ResultsFolder::Create(
    const std::string& path, const v1::ExperimentConfig& config) {
  std::error_code error;
  fs::create_directories(fs::path(path) / "policies", error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot create ", path, ": ", error.message()));
  }
  const std::string curve_path = absl::StrCat(path, "/curve.csv");
  if (fs::exists(curve_path)) {
    return absl::AlreadyExistsError(absl::StrCat(curve_path, " exists; results are not replaced"));
  }
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(path, "/experiment.textproto"),
                                           FormatExperiment(config)));
  std::unique_ptr<ResultsFolder> folder(new ResultsFolder(path));
  absl::MutexLock lock(&folder->mu_);
  folder->curve_.open(curve_path);
  folder->curve_ << kHeader << std::flush;
  if (!folder->curve_) {
    return absl::UnavailableError(absl::StrCat("cannot write ", curve_path));
  }
  return folder;
}

absl::Status ResultsFolder::AppendRound(const v1::MemberProgress& m, double wall_seconds) {
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
  curve_ << row << std::flush;
  if (!curve_) return absl::UnavailableError(absl::StrCat("cannot write ", path_, "/curve.csv"));
  return absl::OkStatus();
}

absl::Status ResultsFolder::WriteMember(const v1::TrainedMember& member,
                                        std::optional<uint64_t> keep_round) {
  const std::string stem =
      absl::StrFormat("%s/policies/member_%03d", path_, member.policy().member());
  const std::string bytes = member.SerializeAsString();
  if (keep_round.has_value()) {
    SR2L_RETURN_IF_ERROR(
        WriteFileDurably(absl::StrFormat("%s_round_%06d.member", stem, *keep_round), bytes));
  }
  return WriteFileDurably(stem + ".member", bytes);
}

}  // namespace sr2l
