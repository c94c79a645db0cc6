#ifndef SR2L_DEPLOY_CLI_PROGRESS_PRINTER_H_
#define SR2L_DEPLOY_CLI_PROGRESS_PRINTER_H_

#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace sr2l {

// Shows one changing line: rewritten in place on a terminal, elsewhere printed anew every
// few seconds. Other lines go through it too, so that they do not mix. Not thread-safe.
class ProgressPrinter {
 public:
  struct Style {
    bool on_terminal = false;
    size_t columns = 80;                             // of the terminal
    absl::Duration interval = absl::Seconds(5);      // between two lines off a terminal
  };

  // How standard output wants it.
  static Style StyleOfStandardOutput();

  // Borrows `out`.
  ProgressPrinter(std::ostream& out, Style style) : out_(out), style_(style) {}

  // The progress as it is at `now`. On a terminal it is shown at most ten times a second.
  void Update(const std::string& line, absl::Time now);

  // A line that stays.
  void Print(const std::string& line);

  // Shows the newest progress for good, if it was not shown yet.
  void Finish();

 private:
  void Show();

  std::ostream& out_;
  const Style style_;
  std::string newest_;
  bool shown_ = true;         // whether newest_ is on the screen
  bool line_open_ = false;    // a line without its end stands on the terminal
  absl::Time next_show_ = absl::InfinitePast();
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_PROGRESS_PRINTER_H_
