#include "deploy/report/gnuplot_script.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

// Told apart also by those who see few colours (after Okabe and Ito).
constexpr const char* kPalette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#56b4e9", "#e69f00", "#000000", "#7f7f7f"};

const char* Color(size_t number) { return kPalette[number % std::size(kPalette)]; }

// In single quotes gnuplot replaces nothing; a quote is written twice.
std::string Quote(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(OneLine(text), {{"'", "''"}}), "'");
}

// A number that reads back to the same bits; "NaN" is what gnuplot leaves out.
std::string Number(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.17g", value) : "NaN";
}

std::string Setup(const std::string& title, const std::string& x_label,
                  const std::string& y_label) {
  return absl::StrCat("set title ", Quote(title), "\nset xlabel ", Quote(x_label), "\nset ylabel ",
                      Quote(y_label), R"(
set encoding utf8
set border 3 linecolor rgb '#404040'
set tics nomirror
set format x '%g'
set format y '%g'
set grid ytics linetype 1 linewidth 0.5 linecolor rgb '#e0e0e0'
set rmargin 5
)");
}

// `plot` once for each file.
std::string Outputs(const std::string& name, const std::string& plot) {
  return absl::StrCat(
      "set terminal svg size ", kPngWidth / 2, ",", kPngHeight / 2,
      " dynamic noenhanced font 'DejaVu Sans,12' background rgb 'white' name '", name,
      "'\nset output '", name, ".svg'\n", plot, "\nset terminal pngcairo size ", kPngWidth, ",",
      kPngHeight,
      " noenhanced font 'DejaVu Sans,21' linewidth 2 background rgb 'white'\nset output '", name,
      ".png'\n", plot, "\nunset output\n");
}

// A block of data: x, y, lower and upper end of the band.
std::string Block(size_t number, const BandSeries& series) {
  std::string text = absl::StrCat("$series", number, " << END\n");
  for (const BandPoint& point : series.points) {
    absl::StrAppend(&text, Number(point.x), " ", Number(point.y), " ",
                    Number(point.y - point.deviation), " ", Number(point.y + point.deviation),
                    "\n");
  }
  return absl::StrCat(text, "END\n");
}

bool HasBand(const BandSeries& series) {
  return std::any_of(series.points.begin(), series.points.end(),
                     [](const BandPoint& point) { return std::isfinite(point.deviation); });
}

// A round distance at which at most seven marks fit into `extent` > 0.
double TicDistance(double extent) {
  const double least = extent / 6;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1, 2, 5}) {
    if (factor * power >= least) return factor * power;
  }
  return 10 * power;
}

// Where nothing is wider than a point the axis needs an extent by hand.
std::string XRange(const LineFigure& figure) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const BandSeries& series : figure.series) {
    for (const BandPoint& point : series.points) {
      low = std::min(low, point.x);
      high = std::max(high, point.x);
    }
  }
  const double margin = low == high          ? std::max(std::fabs(low), 1.0) / 2
                        : figure.x_fits_data ? 0
                                             : (high - low) / 50;
  return absl::StrCat("set xrange [", Number(low - margin), ":", Number(high + margin),
                      "]\nset xtics ", Number(TicDistance(high - low + 2 * margin)), "\n");
}

// Bands first, so that no line is hidden.
std::string LinePlot(const LineFigure& figure) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < figure.series.size(); ++i) {
    if (!HasBand(figure.series[i])) continue;
    parts.push_back(absl::StrCat("$series", i, " using 1:3:4 with filledcurves notitle fillstyle ",
                                 "transparent solid 0.2 noborder linecolor rgb '",
                                 Color(figure.series[i].color), "'"));
  }
  const char* style = figure.marks_points ? "linespoints pointtype 7 pointsize 0.5" : "lines";
  for (size_t i = 0; i < figure.series.size(); ++i) {
    const BandSeries& series = figure.series[i];
    parts.push_back(absl::StrCat("$series", i, " using 1:2 with ", style,
                                 " linewidth 2 linecolor rgb '", Color(series.color), "' title ",
                                 Quote(series.label)));
  }
  return absl::StrCat("plot ", absl::StrJoin(parts, ", \\\n     "));
}

// "'0.01' 0, '0.1' 1": the values stand at equal distances.
std::string Tics(const std::vector<double>& values) {
  std::vector<std::string> tics;
  for (size_t i = 0; i < values.size(); ++i) {
    tics.push_back(absl::StrCat("'", FormatNumber(values[i]), "' ", i));
  }
  return absl::StrJoin(tics, ", ");
}

// Light text on the dark end of the palette.
std::string CellColor(double value, double low, double high) {
  const double share = high > low ? (value - low) / (high - low) : 1;
  return share < 0.5 ? "0xffffff" : "0x000000";
}

std::string HeatMapBlock(const HeatMapFigure& figure) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const auto& row : figure.values) {
    for (const double value : row) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  std::string text = "$cells << END\n";
  for (size_t row = 0; row < figure.rows.size(); ++row) {
    for (size_t column = 0; column < figure.columns.size(); ++column) {
      const double value = figure.values[row][column];
      if (!std::isfinite(value)) continue;
      absl::StrAppend(&text, column, " ", row, " ", Number(value), " ", FormatNumber(value), " ",
                      CellColor(value, low, high), "\n");
    }
  }
  absl::StrAppend(&text, "END\n");
  if (low == high)
    absl::StrAppend(&text, "set cbrange [", Number(low - 1), ":", Number(low + 1), "]\n");
  return text;
}

}  // namespace

std::string FormatScript(const std::string& name, const LineFigure& figure) {
  std::string script = Setup(figure.title, figure.x_label, figure.y_label);
  absl::StrAppend(&script, "set key outside top center horizontal reverse Left samplen 2 width 1\n",
                  XRange(figure));
  for (size_t i = 0; i < figure.series.size(); ++i) {
    absl::StrAppend(&script, Block(i, figure.series[i]));
  }
  return absl::StrCat(script, Outputs(name, LinePlot(figure)));
}

std::string FormatScript(const std::string& name, const HeatMapFigure& figure) {
  std::string script = Setup(figure.title, figure.x_label, figure.y_label);
  absl::StrAppend(&script, "unset key\nunset grid\nunset border\nset tics scale 0\nset xtics (",
                  Tics(figure.columns), ")\nset ytics (", Tics(figure.rows), ")\nset cblabel ",
                  Quote(figure.value_label),
                  " offset 2\nset format cb '%g'\nset rmargin 11\nset xrange [-0.5:",
                  Number(static_cast<double>(figure.columns.size()) - 0.5),
                  "]\nset yrange [-0.5:", Number(static_cast<double>(figure.rows.size()) - 0.5),
                  R"(]
set palette defined (0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725')
set style fill solid 1.0 noborder
)",
                  HeatMapBlock(figure));
  return absl::StrCat(
      script, Outputs(name,
                      "plot $cells using 1:2:(0.5):(0.5):3 with boxxyerror linecolor palette, \\\n"
                      "     $cells using 1:2:4:5 with labels textcolor rgb variable"));
}

}  // namespace sr2l
