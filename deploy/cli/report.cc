// sr2l report: the figures, tables and the page that runs make together.

#include "deploy/report/report.h"

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "deploy/cli/commands.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

constexpr char kTraining[] = "training";
constexpr char kEvaluation[] = "evaluation";

// CLI11 validator: what is wrong with a kind of curve, empty when nothing is.
std::string CheckCurve(const std::string& text) {
  if (text == kTraining || text == kEvaluation) return "";
  return absl::StrCat("must be ", kTraining, " or ", kEvaluation, ", got ", text);
}

absl::Status Report(const ReportOptions& options) {
  SR2L_ASSIGN_OR_RETURN(const ReportResult result, WriteReport(options));
  for (const MissingFigure& missing : result.missing) {
    std::cout << "left out: " << OneLine(missing.title) << ": " << OneLine(missing.reason) << "\n";
  }
  std::cout << result.num_figures << " figures: " << result.page << std::endl;
  return absl::OkStatus();
}

}  // namespace

void AddReport(CLI::App& app, Action& action) {
  CLI::App* verb =
      app.add_subcommand("report", "Figures, tables and a page of what runs have learned");
  const auto options = std::make_shared<ReportOptions>();
  options->version = SR2L_VERSION;
  verb->add_option("RUN", options->runs, "Runs' folders")->required();
  verb->add_option("--out", options->out, "Folder for the report, new or empty")
      ->type_name("DIR")
      ->required();
  verb->add_flag("--replace", options->replace, "A report that is there is replaced");
  verb->add_option("--last", options->last,
                   "Rounds, or evaluations, that a final return is the mean of")
      ->check(CLI::Range(size_t{1}, size_t{10000000}))
      ->capture_default_str();
  const auto set_curve = [options](const std::string& kind) {
    options->curve_kind = kind == kEvaluation ? CurveKind::kEvaluation : CurveKind::kTraining;
  };
  verb->add_option_function<std::string>(
          "--curve", set_curve,
          "Returns of curves and finals: of training, or of evaluations during it")
      ->check(CheckCurve)
      ->type_name("training|evaluation")
      ->default_str(kTraining);
  verb->callback([options, &action] { action = [options] { return Report(*options); }; });
}

}  // namespace sr2l
