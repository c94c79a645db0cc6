#include "learner/training/results_folder.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
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
    "explained_variance,backtracks,gradient_norm,wall_seconds\n";

// A number that reads back to the same bits; empty when the field is not set.
std::string Cell(bool present, double value) {
  return present ? absl::StrFormat("%.17g", value) : "";
}

}  // namespace

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
                     Cell(m.has_length_mean(), m.length_mean()), Cell(true, m.kl()),
                     Cell(true, m.surrogate()),
                     Cell(m.has_nonsmoothness(), m.nonsmoothness()),
                     Cell(m.has_perturbation_gain(), m.perturbation_gain()),
                     Cell(m.has_boundary_share(), m.boundary_share()), Cell(true, m.sigma()),
                     Cell(true, m.value_loss()), Cell(true, m.explained_variance()),
                     absl::StrCat(m.backtracks()), Cell(true, m.gradient_norm()),
                     absl::StrFormat("%.3f", wall_seconds)},
                    ","),
      "\n");
  absl::MutexLock lock(&mu_);
  curve_ << row << std::flush;
  if (!curve_) return absl::UnavailableError(absl::StrCat("cannot write ", path_, "/curve.csv"));
  return absl::OkStatus();
}

absl::Status ResultsFolder::WriteMember(const v1::TrainedMember& member, bool keep) {
  const std::string stem =
      absl::StrFormat("%s/policies/member_%03d", path_, member.policy().member());
  const std::string bytes = member.SerializeAsString();
  if (keep) {
    SR2L_RETURN_IF_ERROR(WriteFileAtomically(
        absl::StrFormat("%s_round_%06d.member", stem, member.policy().version()), bytes));
  }
  return WriteFileAtomically(stem + ".member", bytes);
}

}  // namespace sr2l
