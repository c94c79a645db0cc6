#include "deploy/cli/progress_printer.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "deploy/cli/text.h"

namespace sr2l {
namespace {

constexpr absl::Duration kTerminalInterval = absl::Milliseconds(100);
constexpr char kEraseLine[] = "\r\033[K";

}  // namespace

ProgressPrinter::Style ProgressPrinter::StyleOfStandardOutput() {
  Style style;
  style.on_terminal = isatty(STDOUT_FILENO) != 0;
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.columns = size.ws_col;
  }
  return style;
}

void ProgressPrinter::Update(const std::string& line, absl::Time now) {
  if (line != newest_) shown_ = false;
  newest_ = line;
  if (shown_ && style_.on_terminal) return;
  if (now < next_show_) return;
  next_show_ = now + (style_.on_terminal ? kTerminalInterval : style_.interval);
  Show();
}

void ProgressPrinter::Print(const std::string& line) {
  if (line_open_) out_ << kEraseLine;
  out_ << line << std::endl;
  if (line_open_) Show();
}

void ProgressPrinter::Finish() {
  if (!shown_) Show();
  if (line_open_) out_ << std::endl;
  line_open_ = false;
}

void ProgressPrinter::Show() {
  if (style_.on_terminal) {
    // One column stays free: some terminals wrap after the last one.
    out_ << kEraseLine << TruncateColumns(newest_, style_.columns - 1) << std::flush;
    line_open_ = true;
  } else {
    out_ << newest_ << std::endl;
  }
  shown_ = true;
}

}  // namespace sr2l
