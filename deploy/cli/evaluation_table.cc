#include "deploy/cli/evaluation_table.h"

#include <charconv>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/check.h"
#include "deploy/cli/text.h"
#include "deploy/cli/text_table.h"

namespace sr2l {
namespace {

using Row = EvaluationRow;

// The shortest text that reads back to the same bits.
std::string Cell(double value) {
  if (!std::isfinite(value)) return "";
  char text[32];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end.ptr);
}

// Of the actions that were sampled; empty where the means acted.
std::string SampledCell(const Row& row, double ActionSmoothness::*field) {
  return row.summary.samples ? Cell(row.summary.samples->smoothness.*field) : "";
}

// A column of the CSV: name and cell. Names and order are what scripts rely on: add at the end.
struct Column {
  const char* name;
  std::string (*cell)(const Row& row);
};

using A = ActionSmoothness;

constexpr Column kColumns[] = {
    {"member", [](const Row& r) { return absl::StrCat(r.member->policy().member()); }},
    {"seed", [](const Row& r) { return absl::StrCat(r.member->seed()); }},
    {"trained_radius", [](const Row& r) { return Cell(r.member->radius()); }},
    {"trained_coefficient", [](const Row& r) { return Cell(r.member->coefficient()); }},
    {"policy_version", [](const Row& r) { return absl::StrCat(r.member->policy().version()); }},
    {"env_steps", [](const Row& r) { return absl::StrCat(r.member->env_steps()); }},
    {"actions",
     [](const Row& r) { return std::string(r.options.sample_actions ? "sampled" : "mean"); }},
    {"disturbance", [](const Row& r) { return NameOf(r.options.disturbance.kind); }},
    {"radius", [](const Row& r) { return Cell(r.options.disturbance.radius); }},
    {"evaluation_seed", [](const Row& r) { return absl::StrCat(r.options.seed); }},
    {"episodes", [](const Row& r) { return absl::StrCat(r.summary.episodes); }},
    {"terminated", [](const Row& r) { return absl::StrCat(r.summary.terminated); }},
    {"diverged", [](const Row& r) { return absl::StrCat(r.summary.diverged); }},
    {"return_mean", [](const Row& r) { return Cell(r.summary.return_.mean); }},
    {"return_std", [](const Row& r) { return Cell(r.summary.return_.deviation); }},
    {"return_min", [](const Row& r) { return Cell(r.summary.return_.minimum); }},
    {"return_max", [](const Row& r) { return Cell(r.summary.return_.maximum); }},
    {"length_mean", [](const Row& r) { return Cell(r.summary.length_mean); }},
    {"sm", [](const Row& r) { return Cell(r.summary.means.smoothness.spectral); }},
    {"fluctuation", [](const Row& r) { return Cell(r.summary.means.smoothness.fluctuation); }},
    {"variation", [](const Row& r) { return Cell(r.summary.means.smoothness.variation); }},
    {"second_difference",
     [](const Row& r) { return Cell(r.summary.means.smoothness.second_difference); }},
    {"high_frequency_share",
     [](const Row& r) { return Cell(r.summary.means.smoothness.high_frequency_share); }},
    {"trajectory_lipschitz", [](const Row& r) { return Cell(r.summary.means.lipschitz_ratio); }},
    {"sampled_sm", [](const Row& r) { return SampledCell(r, &A::spectral); }},
    {"sampled_fluctuation", [](const Row& r) { return SampledCell(r, &A::fluctuation); }},
    {"sampled_variation", [](const Row& r) { return SampledCell(r, &A::variation); }},
    {"sampled_second_difference",
     [](const Row& r) { return SampledCell(r, &A::second_difference); }},
    {"sampled_high_frequency_share",
     [](const Row& r) { return SampledCell(r, &A::high_frequency_share); }},
    {"sampled_trajectory_lipschitz",
     [](const Row& r) {
       return r.summary.samples ? Cell(r.summary.samples->lipschitz_ratio) : std::string();
     }},
    {"control_hz", [](const Row& r) { return Cell(r.control_rate); }},
    {"high_frequency_hz",
     [](const Row& r) { return Cell(kHighFrequencyCutoff * r.control_rate / 2); }},
    {"probe_radius", [](const Row& r) { return Cell(r.summary.probe_radius); }},
    {"probed_states", [](const Row& r) { return absl::StrCat(r.summary.probed_states); }},
    {"local_lipschitz_mean", [](const Row& r) { return Cell(r.summary.local_lipschitz.mean); }},
    {"local_lipschitz_median", [](const Row& r) { return Cell(r.summary.local_lipschitz.median); }},
    {"local_lipschitz_p95",
     [](const Row& r) { return Cell(r.summary.local_lipschitz.percentile_95); }},
    {"local_lipschitz_max", [](const Row& r) { return Cell(r.summary.local_lipschitz.maximum); }},
    {"jacobian_spectral", [](const Row& r) { return Cell(r.summary.jacobian_spectral); }},
    {"jacobian_frobenius", [](const Row& r) { return Cell(r.summary.jacobian_frobenius); }},
    {"divergence", [](const Row& r) { return Cell(r.summary.divergence); }},
    {"start_divergence", [](const Row& r) { return Cell(r.summary.start_divergence); }},
    {"divergence_gain", [](const Row& r) { return Cell(r.summary.divergence_gain); }},
    {"boundary_share", [](const Row& r) { return Cell(r.summary.boundary_share); }},
};

}  // namespace

std::string NameOf(Disturbance::Kind kind) {
  switch (kind) {
    case Disturbance::Kind::kNone:
      return "none";
    case Disturbance::Kind::kRandom:
      return "random";
    case Disturbance::Kind::kAdversarial:
      return "adversarial";
  }
  SR2L_CHECK(false);
}

std::string FormatEvaluationCsv(const std::vector<EvaluationRow>& rows) {
  std::string text = absl::StrCat(
      absl::StrJoin(kColumns, ",",
                    [](std::string* out, const Column& column) { out->append(column.name); }),
      "\n");
  for (const EvaluationRow& row : rows) {
    absl::StrAppend(&text,
                    absl::StrJoin(kColumns, ",",
                                  [&row](std::string* out, const Column& column) {
                                    out->append(column.cell(row));
                                  }),
                    "\n");
  }
  return text;
}

std::string FormatEvaluationTable(const std::vector<EvaluationRow>& rows) {
  TextTable table({"member", "seed", "version", "actions", "disturbance", "radius", "return", "std",
                   "length", "Sm", "fluctuation", "Lipschitz", "Jacobian", "gain"});
  for (const EvaluationRow& row : rows) {
    const EvaluationSummary& summary = row.summary;
    table.Add({absl::StrCat(row.member->policy().member()), absl::StrCat(row.member->seed()),
               absl::StrCat(row.member->policy().version()),
               row.options.sample_actions ? "sampled" : "mean",
               NameOf(row.options.disturbance.kind), FormatNumber(row.options.disturbance.radius),
               FormatNumber(summary.return_.mean), FormatNumber(summary.return_.deviation),
               FormatNumber(summary.length_mean), FormatNumber(summary.means.smoothness.spectral),
               FormatNumber(summary.means.smoothness.fluctuation),
               FormatNumber(summary.local_lipschitz.mean), FormatNumber(summary.jacobian_spectral),
               FormatNumber(summary.divergence_gain)});
  }
  return table.Format();
}

}  // namespace sr2l
