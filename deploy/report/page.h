#ifndef SR2L_DEPLOY_REPORT_PAGE_H_
#define SR2L_DEPLOY_REPORT_PAGE_H_

#include <map>
#include <string>
#include <vector>

#include "deploy/report/figures.h"
#include "deploy/report/study.h"
#include "deploy/report/tables.h"

namespace sr2l {

// What the page shows.
struct PageContent {
  const Study* study = nullptr;
  const FigurePlan* plan = nullptr;
  const std::vector<Table>* tables = nullptr;
  std::map<std::string, std::string> drawings;  // SVG by the figure's name
  std::string version;                          // of what makes the page
};

// One HTML file with everything in it: it loads nothing and runs no script.
std::string FormatPage(const PageContent& content);

// What starts the figure with this name in a page, and nothing else there.
std::string FigureTag(const std::string& name);

// An SVG file of gnuplot's as an element of a page that holds several: without the XML
// declaration, and with `name` before every id.
std::string InlineSvg(const std::string& name, const std::string& svg);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_PAGE_H_
