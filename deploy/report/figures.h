#ifndef SR2L_DEPLOY_REPORT_FIGURES_H_
#define SR2L_DEPLOY_REPORT_FIGURES_H_

#include <string>
#include <vector>

#include "deploy/report/study.h"

namespace sr2l {

// A figure that the data suffices for.
struct Figure {
  std::string name;  // of its files: [a-z0-9_]+
  std::string title;
  std::string caption;  // what exactly is drawn
  std::string script;   // for gnuplot
};

// A figure, or a part of one, that it does not suffice for.
struct MissingFigure {
  std::string title;
  std::string reason;
  std::string command;  // that makes the data
};

struct FigurePlan {
  std::vector<Figure> figures;
  std::vector<MissingFigure> missing;
};

// More lines than this cannot be told apart.
inline constexpr size_t kMaxSeries = 8;

// Of every panel: learning curves, final returns over seeds, returns against disturbance
// strength (random and adversarial), and for each algorithm with smoothness the final returns
// over radius and coefficient. A final return is the mean of the last `last` rounds.
FigurePlan PlanFigures(const Study& study, size_t last);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_FIGURES_H_
