#ifndef SR2L_DEPLOY_REPORT_GNUPLOT_SCRIPT_H_
#define SR2L_DEPLOY_REPORT_GNUPLOT_SCRIPT_H_

#include <string>
#include <vector>

namespace sr2l {

// What gnuplot is told. All of its language is here.

struct BandPoint {
  double x = 0;
  double y = 0;
  double deviation = 0;  // half the band's height; NaN: no band there
};

// A line of a figure, in the colour of its number in the palette.
struct BandSeries {
  std::string label;
  size_t color = 0;
  std::vector<BandPoint> points;
};

struct LineFigure {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool marks_points = false;  // a dot at each
  bool x_fits_data = true;    // no margin left and right
  std::vector<BandSeries> series;
};

// Rows and columns with numbers printed in them; NaN: nothing is known.
struct HeatMapFigure {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::string value_label;
  std::vector<double> columns;              // what x is there
  std::vector<double> rows;                 // what y is there, from below
  std::vector<std::vector<double>> values;  // rows x columns
};

inline constexpr int kPngWidth = 1280;  // pixels
inline constexpr int kPngHeight = 880;

// Scripts that write NAME.svg and NAME.png into the current folder. `name`: [a-z0-9_]+.
std::string FormatScript(const std::string& name, const LineFigure& figure);
std::string FormatScript(const std::string& name, const HeatMapFigure& figure);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_GNUPLOT_SCRIPT_H_
