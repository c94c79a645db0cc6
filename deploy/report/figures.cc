#include "deploy/report/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "deploy/report/evaluated.h"
#include "deploy/report/gnuplot_script.h"
#include "deploy/report/summary.h"

namespace sr2l {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr char kReturn[] = "Return of an episode";

// The colours of the paper: blue without smoothness, orange, and green for the critic's;
// several settings of one algorithm get the next free ones.
std::vector<size_t> Colors(const Panel& panel) {
  std::vector<size_t> colors;
  std::set<size_t> used;
  for (const Setting& setting : panel.settings) {
    size_t color = !setting.has_smoothness ? 0 : setting.algorithm == "DDPG-SR-C" ? 2 : 1;
    for (size_t next = 3; used.count(color) > 0; ++next) color = next % kMaxSeries;
    used.insert(color);
    colors.push_back(color);
  }
  return colors;
}

// What a line under `disturbance` shows of a setting.
void AddManner(const Setting& setting, const std::string& disturbance, EvaluationManner& manner) {
  for (const SeedRun& seed : setting.seeds) {
    for (const EvaluationPoint& point : seed.member->evaluation) {
      if (point.disturbance == "none" || point.disturbance == disturbance) manner.Add(seed, point);
    }
  }
}

std::string JoinMembers(const std::vector<UnevaluatedMembers>& unevaluated) {
  return absl::StrJoin(unevaluated, ", ", [](std::string* out, const UnevaluatedMembers& members) {
    out->append(members.members);
  });
}

// How a caption says what a line over so many seeds shows.
std::string OverSeeds(const std::set<size_t>& counts) {
  const std::string seeds = Counted(counts, "seed");
  if (*counts.rbegin() == 1) return absl::StrCat("of ", seeds);
  if (*counts.begin() > 1) return absl::StrCat("mean and standard deviation over ", seeds);
  return absl::StrCat("mean over ", seeds, ", and standard deviation where there are several");
}

std::string CaptionOfDisturbed(const EvaluationManner& manner, const std::set<size_t>& seed_counts,
                               const std::string& disturbance,
                               const std::vector<UnevaluatedMembers>& unevaluated) {
  std::string caption = absl::StrCat(
      "Returns of the ",
      manner.are_final ? "final policies" : "policies that were evaluated, not all of them final",
      ", ", OverSeeds(seed_counts), "; ", absl::StrJoin(manner.actions, " or "), " actions, ",
      Counted(manner.episodes, "episode"), " of each seed at each radius; ",
      disturbance == "random" ? "offsets uniform in the ball."
                              : "offsets that ten ascent steps find.");
  if (!unevaluated.empty()) {
    absl::StrAppend(&caption, " Not evaluated: ", JoinMembers(unevaluated), ".");
  }
  return caption;
}

class Planner {
 public:
  Planner(const Study& study, size_t last) : study_(study), last_(last) {}

  void AddPanel(const Panel& panel) {
    if (panel.settings.size() > kMaxSeries) {
      MissCrowded(panel);
    } else {
      AddLearningCurves(panel);
      AddPercentiles(panel);
      AddRobustness(panel, "random");
      AddRobustness(panel, "adversarial");
    }
    AddHeatMaps(panel);
  }

  FigurePlan TakePlan() { return std::move(plan_); }

 private:
  void MissCrowded(const Panel& panel) {
    plan_.missing.push_back({.title = absl::StrCat("Lines of ", NameOf(panel)),
                             .reason = absl::StrCat("more than ", kMaxSeries,
                                                    " lines cannot be told apart, and there are ",
                                                    panel.settings.size(), " settings"),
                             .command = "sr2l report RUN... --out DIR   # of fewer settings"});
  }

  void AddHeatMaps(const Panel& panel) {
    std::map<std::pair<std::string, std::string>, std::vector<const Setting*>> grids;
    for (const Setting& setting : panel.settings) {
      if (setting.has_smoothness) {
        grids[{setting.algorithm, setting.configuration}].push_back(&setting);
      }
    }
    std::map<std::string, int> numbers;  // of the grids of one algorithm
    for (const auto& [key, grid] : grids) {
      const int number = ++numbers[key.first];
      const std::string suffix = number > 1 ? absl::StrCat(" ", number) : "";
      const std::string algorithm = key.first + suffix;
      std::string name = absl::AsciiStrToLower(absl::StrCat("grid_", algorithm, "_", panel.task));
      for (char& c : name) c = absl::ascii_isalnum(c) ? c : '_';
      AddHeatMap(grid, absl::StrCat(algorithm, " on ", panel.task), name);
    }
  }

  void AddLearningCurves(const Panel& panel) {
    LineFigure figure{
        .title = NameOf(panel), .x_label = "Environment steps", .y_label = kReturn, .series = {}};
    const std::vector<size_t> colors = Colors(panel);
    std::set<size_t> seed_counts;
    for (size_t i = 0; i < panel.settings.size(); ++i) {
      BandSeries series{.label = panel.settings[i].label, .color = colors[i], .points = {}};
      for (const MeanPoint& point : MeanCurve(panel.settings[i])) {
        series.points.push_back(
            {.x = point.env_steps, .y = point.mean, .deviation = point.deviation});
      }
      if (series.points.empty()) continue;
      seed_counts.insert(panel.settings[i].seeds.size());
      figure.series.push_back(std::move(series));
    }
    if (figure.series.empty()) {
      plan_.missing.push_back({.title = absl::StrCat("Learning curves, ", NameOf(panel)),
                               .reason = "there are no steps at which all seeds have a return",
                               .command = "sr2l resume RUN   # of the seeds with few rounds"});
      return;
    }
    Add("learning_", "Learning curves, ", panel, figure,
        absl::StrCat(study_.curve_kind == CurveKind::kEvaluation
                         ? "Return of evaluations during training"
                         : "Return during training",
                     ", ", OverSeeds(seed_counts), "."));
  }

  void AddPercentiles(const Panel& panel) {
    LineFigure figure{.title = NameOf(panel),
                      .x_label = "Percentile of seeds",
                      .y_label = "Final return",
                      .marks_points = true,
                      .x_fits_data = false,
                      .series = {}};
    const std::vector<size_t> colors = Colors(panel);
    std::set<size_t> seed_counts;
    for (size_t i = 0; i < panel.settings.size(); ++i) {
      std::vector<double> returns = FinalReturns(panel.settings[i], last_);
      if (returns.size() < 2) continue;
      seed_counts.insert(returns.size());
      std::sort(returns.begin(), returns.end());
      BandSeries series{.label = panel.settings[i].label, .color = colors[i], .points = {}};
      for (size_t rank = 0; rank < returns.size(); ++rank) {
        const double share = static_cast<double>(rank) / static_cast<double>(returns.size() - 1);
        series.points.push_back({.x = 100 * share, .y = returns[rank], .deviation = kNaN});
      }
      figure.series.push_back(std::move(series));
    }
    if (figure.series.empty()) {
      plan_.missing.push_back(
          {.title = absl::StrCat("Percentiles, ", NameOf(panel)),
           .reason = "every setting has one seed only",
           .command = "sr2l train FILE --set 'members.seeds=[0,1,2,3,4,5,6,7,8,9]'"});
      return;
    }
    Add("percentiles_", "Percentiles, ", panel, figure,
        absl::StrCat("Final returns (", MeaningOfFinal(), ") of ", Counted(seed_counts, "seed"),
                     ", sorted: 0 is the worst seed, 100 the best."));
  }

  void AddRobustness(const Panel& panel, const std::string& disturbance) {
    LineFigure figure{.title = absl::StrCat(NameOf(panel), ", ", disturbance, " disturbance"),
                      .x_label = "Disturbance strength (radius, maximum norm)",
                      .y_label = kReturn,
                      .marks_points = true,
                      .x_fits_data = false,
                      .series = {}};
    const std::vector<size_t> colors = Colors(panel);
    EvaluationManner manner;
    std::set<size_t> seed_counts;  // of the points
    for (size_t i = 0; i < panel.settings.size(); ++i) {
      BandSeries series{.label = panel.settings[i].label, .color = colors[i], .points = {}};
      bool is_disturbed = false;
      std::set<size_t> counts;
      for (const DisturbedReturn& row : DisturbedReturns(panel.settings[i])) {
        if (row.disturbance != "none" && row.disturbance != disturbance) continue;
        is_disturbed |= row.disturbance == disturbance && row.radius > 0;
        series.points.push_back(
            {.x = row.radius, .y = row.returns.mean, .deviation = row.returns.deviation});
        counts.insert(row.returns.count);
      }
      if (!is_disturbed) continue;
      seed_counts.merge(counts);
      AddManner(panel.settings[i], disturbance, manner);
      figure.series.push_back(std::move(series));
    }
    const std::string title = absl::StrCat("Return under ", disturbance, " disturbance, ");
    const std::vector<UnevaluatedMembers> unevaluated = FindUnevaluated(panel, disturbance);
    const bool is_drawn = !figure.series.empty();  // else radius 0 alone, at most, was evaluated
    if (!unevaluated.empty()) {
      MissEvaluation((is_drawn ? "A part of: " : "") + title + NameOf(panel), disturbance,
                     unevaluated, MannerOf(panel));
    }
    if (!is_drawn) return;
    Add("disturbed_" + disturbance + "_", title, panel, figure,
        CaptionOfDisturbed(manner, seed_counts, disturbance, unevaluated));
  }

  void MissEvaluation(const std::string& title, const std::string& disturbance,
                      const std::vector<UnevaluatedMembers>& unevaluated,
                      const EvaluationManner& others) {
    std::vector<std::string> commands;
    for (const UnevaluatedMembers& members : unevaluated) {
      commands.push_back(EvaluateCommand(members.folder, others));
    }
    plan_.missing.push_back({.title = title,
                             .reason = absl::StrCat("no evaluation under ", disturbance,
                                                    " disturbance of ", JoinMembers(unevaluated)),
                             .command = absl::StrJoin(commands, "\n")});
  }

  // Of the settings of one algorithm that differ in radius and coefficient alone.
  void AddHeatMap(const std::vector<const Setting*>& grid, const std::string& title,
                  const std::string& name) {
    std::set<double> radii, coefficients;
    std::set<size_t> seed_counts;
    for (const Setting* const setting : grid) {
      seed_counts.insert(setting->seeds.size());
      radii.insert(setting->radius);
      coefficients.insert(setting->coefficient);
    }
    if (radii.size() < 2 || coefficients.size() < 2) {
      MissHeatMap(title, absl::StrJoin(radii, ", "), absl::StrJoin(coefficients, ", "));
      return;
    }
    HeatMapFigure figure{.title = title,
                         .x_label = "Radius of the disturbance in training",
                         .y_label = "Coefficient of the regularizer",
                         .value_label = "Final return",
                         .columns = {radii.begin(), radii.end()},
                         .rows = {coefficients.begin(), coefficients.end()},
                         .values = {coefficients.size(), std::vector<double>(radii.size(), kNaN)}};
    for (const Setting* const setting : grid) {
      const auto row = std::distance(coefficients.begin(), coefficients.find(setting->coefficient));
      const auto column = std::distance(radii.begin(), radii.find(setting->radius));
      figure.values[row][column] = Mean(FinalReturns(*setting, last_));
    }
    plan_.figures.push_back(
        {.name = name,
         .title = "Radius and coefficient, " + title,
         .caption = absl::StrCat("Final return (", MeaningOfFinal(), "), ",
                                 *seed_counts.rbegin() > 1 ? "mean over " : "of ",
                                 Counted(seed_counts, "seed"), "."),
         .script = FormatScript(name, figure)});
  }

  void MissHeatMap(const std::string& title, const std::string& radii,
                   const std::string& coefficients) {
    plan_.missing.push_back(
        {.title = "Radius and coefficient, " + title,
         .reason =
             absl::StrCat("a heat map needs two radii and two coefficients; there are radius ",
                          radii, " and coefficient ", coefficients),
         .command = "sr2l train FILE --set 'members.radius=[0.001,0.01,0.1]' "
                    "--set 'members.coefficient=[0.1,1,10]'"});
  }

  void Add(const std::string& prefix, const std::string& title, const Panel& panel,
           const LineFigure& figure, const std::string& caption) {
    const std::string name = prefix + panel.id;
    plan_.figures.push_back({.name = name,
                             .title = title + NameOf(panel),
                             .caption = caption,
                             .script = FormatScript(name, figure)});
  }

  std::string MeaningOfFinal() const {
    return absl::StrCat("mean of the ", LastPoints(study_, last_),
                        last_ > 1 ? ", of all if there are fewer" : "");
  }

  const Study& study_;
  const size_t last_;
  FigurePlan plan_;
};

}  // namespace

FigurePlan PlanFigures(const Study& study, size_t last) {
  Planner planner(study, last);
  for (const Panel& panel : study.panels) planner.AddPanel(panel);
  return planner.TakePlan();
}

}  // namespace sr2l
