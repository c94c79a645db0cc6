#include "deploy/report/run_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <system_error>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "deploy/cli/text.h"
#include "deploy/cli/trained_members.h"
#include "deploy/report/csv_columns.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// Numbers of one row, empty ones NaN.
absl::StatusOr<std::vector<double>> Numbers(const std::string& path, const CsvRow& row,
                                            size_t first) {
  std::vector<double> numbers;
  for (size_t cell = first; cell < row.cells.size(); ++cell) {
    SR2L_ASSIGN_OR_RETURN(const double number, NumberOf(path, row, cell));
    numbers.push_back(number);
  }
  return numbers;
}

// The member that a row is of, by its first two cells, which must be the experiment's.
absl::StatusOr<MemberData*> MemberOf(const std::string& path, const CsvRow& row, RunData& run) {
  uint32_t number = 0;
  uint64_t seed = 0;
  if (absl::SimpleAtoi(row.cells[0], &number) && number < run.members.size() &&
      absl::SimpleAtoi(row.cells[1], &seed) && seed == run.members[number].seed) {
    return &run.members[number];
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ":", row.line, ": the experiment has no member ", OneLine(row.cells[0]),
                   " with seed ", OneLine(row.cells[1])));
}

absl::Status NoRoundYet(const std::string& folder) {
  return absl::FailedPreconditionError(absl::StrCat(
      folder,
      "/curve.csv has no rows: no round is finished yet; if the training was interrupted, "
      "go on with: sr2l resume ",
      folder));
}

absl::Status ReadCurve(RunData& run) {
  const std::string path = run.folder + "/curve.csv";
  const auto rows =
      ReadCsvColumns(path, {"member", "seed", "round", "env_steps", "episodes", "return_mean"});
  if (absl::IsNotFound(rows.status())) return NoRoundYet(run.folder);
  SR2L_RETURN_IF_ERROR(rows.status());
  bool has_returns = false;
  for (const CsvRow& row : *rows) {
    SR2L_ASSIGN_OR_RETURN(MemberData* const member, MemberOf(path, row, run));
    SR2L_ASSIGN_OR_RETURN(const std::vector<double> numbers, Numbers(path, row, 2));
    if (!(numbers[0] >= 1 && numbers[0] < 1e15 && numbers[1] >= 0 && numbers[1] < 1e15)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", row.line, ": must have a round and env_steps, got ",
                       OneLine(row.cells[2]), " and ", OneLine(row.cells[3])));
    }
    member->rounds = static_cast<uint64_t>(numbers[0]);
    member->env_steps = numbers[1];
    // A round without an episode's end repeats the return of an earlier one.
    if (!(numbers[2] > 0) || !std::isfinite(numbers[3])) continue;
    member->curve.push_back({.env_steps = numbers[1], .return_mean = numbers[3]});
    has_returns = true;
  }
  if (rows->empty()) return NoRoundYet(run.folder);
  if (has_returns || run.curve_kind == CurveKind::kEvaluation) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(path, " has no return: no episode has ended yet"));
}

// Replaces the members' curves by their evaluations during training.
absl::Status ReadEvaluationCurve(RunData& run) {
  const std::string path = run.folder + "/evaluations.csv";
  const auto rows = ReadCsvColumns(path, {"member", "seed", "env_steps", "return_mean"});
  if (!rows.ok() && !absl::IsNotFound(rows.status())) return rows.status();
  if (!rows.ok() || rows->empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(run.folder,
                     " was not evaluated during training (evaluation.every_rounds); "
                     "--curve training shows what there is"));
  }
  for (MemberData& member : run.members) member.curve.clear();
  for (const CsvRow& row : *rows) {
    SR2L_ASSIGN_OR_RETURN(MemberData* const member, MemberOf(path, row, run));
    SR2L_ASSIGN_OR_RETURN(const std::vector<double> numbers, Numbers(path, row, 2));
    if (!(numbers[0] >= 0 && numbers[0] < 1e15) || !std::isfinite(numbers[1])) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", row.line, ": must have env_steps and a return"));
    }
    member->curve.push_back({.env_steps = numbers[0], .return_mean = numbers[1]});
  }
  return absl::OkStatus();
}

bool IsDisturbance(const std::string& name) {
  return name == "none" || name == "random" || name == "adversarial";
}

// The columns of evaluation.csv that a report reads; the last ones, from radius on, are numbers.
const std::vector<std::string> kEvaluationColumns = {"member",
                                                     "seed",
                                                     "disturbance",
                                                     "actions",
                                                     "evaluation_seed",
                                                     "policy_version",
                                                     "radius",
                                                     "env_steps",
                                                     "episodes",
                                                     "return_mean",
                                                     "sm",
                                                     "fluctuation",
                                                     "local_lipschitz_mean",
                                                     "jacobian_spectral",
                                                     "probe_radius"};

absl::StatusOr<EvaluationPoint> ParseEvaluation(const std::string& path, const CsvRow& row) {
  SR2L_ASSIGN_OR_RETURN(const std::vector<double> numbers, Numbers(path, row, 6));
  EvaluationPoint point{.disturbance = row.cells[2],
                        .radius = numbers[0],
                        .actions = row.cells[3],
                        .env_steps = numbers[1],
                        .episodes = numbers[2],
                        .return_mean = numbers[3],
                        .sm = numbers[4],
                        .fluctuation = numbers[5],
                        .local_lipschitz = numbers[6],
                        .jacobian_spectral = numbers[7],
                        .probe_radius = numbers[8]};
  if (!IsDisturbance(point.disturbance) || !(point.radius >= 0) ||
      !std::isfinite(point.return_mean)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", row.line, ": must have a disturbance, a radius and a return"));
  }
  if ((point.actions != "sampled" && point.actions != "mean") || !(point.episodes >= 1) ||
      !absl::SimpleAtoi(row.cells[4], &point.evaluation_seed) ||
      !absl::SimpleAtoi(row.cells[5], &point.policy_version)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", row.line,
                     ": must have actions (sampled or mean), an evaluation_seed, a policy_version "
                     "and episodes"));
  }
  return point;
}

absl::Status ReadEvaluation(RunData& run) {
  const std::string path = run.folder + "/evaluation.csv";
  std::error_code error;
  if (!fs::exists(path, error)) return absl::OkStatus();
  SR2L_ASSIGN_OR_RETURN(const std::vector<CsvRow> rows, ReadCsvColumns(path, kEvaluationColumns));
  std::map<std::tuple<const MemberData*, std::string, double>, int> lines;
  for (const CsvRow& row : rows) {
    SR2L_ASSIGN_OR_RETURN(MemberData* const member, MemberOf(path, row, run));
    SR2L_ASSIGN_OR_RETURN(EvaluationPoint point, ParseEvaluation(path, row));
    const auto [first, is_new] =
        lines.try_emplace({member, point.disturbance, point.radius}, row.line);
    if (!is_new) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ":", row.line, ": member ", row.cells[0], ", disturbance ", point.disturbance,
          ", radius ", point.radius, " must occur once, and is in line ", first->second, " too"));
    }
    member->evaluation.push_back(std::move(point));
  }
  return absl::OkStatus();
}

// The versions as the first policy that there is says. A report shows none of the policies, but
// of a folder with a policy that is damaged or not the experiment's nothing is to be believed.
absl::Status ReadVersion(RunData& run) {
  for (uint32_t number = 0; number < run.members.size(); ++number) {
    const auto member = ReadTrainedMember(run.folder, run.config, number, /*choice=*/{});
    if (absl::IsNotFound(member.status())) continue;
    SR2L_RETURN_IF_ERROR(member.status());
    if (run.version.empty()) run.version = OneLine(member->version());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunData> ReadRun(const std::string& folder, CurveKind curve_kind) {
  RunData run;
  run.curve_kind = curve_kind;
  run.folder = folder;
  while (run.folder.size() > 1 && run.folder.back() == '/') run.folder.pop_back();
  SR2L_ASSIGN_OR_RETURN(run.config, ReadRunExperiment(run.folder));
  for (const v1::MemberConfig& member : run.config.members().member()) {
    run.members.emplace_back();
    run.members.back().seed = member.seed();
    run.members.back().radius = member.radius();
    run.members.back().coefficient = member.coefficient();
  }
  SR2L_RETURN_IF_ERROR(ReadCurve(run));
  if (curve_kind == CurveKind::kEvaluation) SR2L_RETURN_IF_ERROR(ReadEvaluationCurve(run));
  SR2L_RETURN_IF_ERROR(ReadEvaluation(run));
  SR2L_RETURN_IF_ERROR(ReadVersion(run));
  return run;
}

}  // namespace sr2l
