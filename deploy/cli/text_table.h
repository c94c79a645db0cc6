#ifndef SR2L_DEPLOY_CLI_TEXT_TABLE_H_
#define SR2L_DEPLOY_CLI_TEXT_TABLE_H_

#include <string>
#include <vector>

namespace sr2l {

// Rows of cells, printed in columns two spaces apart; numbers to the right, the rest to
// the left. The first row is the heading.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> heading) : rows_({std::move(heading)}) {}

  // `row` has as many cells as the heading.
  void Add(std::vector<std::string> row);

  // Every row a line with its end.
  std::string Format() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_TEXT_TABLE_H_
