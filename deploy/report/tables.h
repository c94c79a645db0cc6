#ifndef SR2L_DEPLOY_REPORT_TABLES_H_
#define SR2L_DEPLOY_REPORT_TABLES_H_

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "deploy/report/study.h"

namespace sr2l {

// Rows of texts and numbers under names of columns. A plain value.
struct Table {
  using Cell = std::variant<std::string, double>;  // NaN: not defined
  std::string name;                                // of its files: [a-z0-9_]+
  std::string title;
  bool for_people = true;  // false: too long to read
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};

// Final returns by setting and by seed, learning curves, and what was evaluated; final is the
// mean of the last `last` rounds in which episodes ended. A table without rows is left out.
std::vector<Table> MakeTables(const Study& study, size_t last);

// The names of all that MakeTables may make.
const std::set<std::string>& TableNames();

// A cell for people: four digits; "-" when it is not defined.
std::string FormatCell(const Table::Cell& cell);

// Numbers read back to the same bits; what is not defined is empty.
std::string FormatCsv(const Table& table);

std::string FormatMarkdown(const Table& table);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_REPORT_TABLES_H_
