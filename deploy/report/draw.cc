#include "deploy/report/draw.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/files/atomic_write.h"
#include "common/status/status_macros.h"
#include "deploy/cli/child_process.h"
#include "deploy/cli/text.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kLongestDrawing = absl::Minutes(1);

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return OneLine(absl::StripAsciiWhitespace(text.str()));
}

}  // namespace

absl::StatusOr<std::string> FindGnuplot() {
  const char* const path = getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    const std::string program = absl::StrCat(folder.empty() ? "." : folder, "/gnuplot");
    std::error_code error;
    if (fs::is_regular_file(program, error) && access(program.c_str(), X_OK) == 0) return program;
  }
  return absl::NotFoundError(
      "there is no gnuplot on PATH, which draws the figures: install the package gnuplot-nox");
}

absl::Status DrawFigure(const std::string& gnuplot, const std::string& folder,
                        const Figure& figure) {
  const std::string stem = absl::StrCat(folder, "/", figure.name);
  SR2L_RETURN_IF_ERROR(WriteFileAtomically(stem + ".gnuplot", figure.script));
  const std::string enter = absl::StrCat("cd '", absl::StrReplaceAll(folder, {{"'", "''"}}), "'");
  const std::string log = stem + ".log";
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ChildProcess> process,
                        ChildProcess::Start({.name = "gnuplot",
                                             .program = gnuplot,
                                             .arguments = {"-e", enter, figure.name + ".gnuplot"},
                                             .log_path = log}));
  const std::optional<ProcessExit> exit = process->WaitUntil(absl::Now() + kLongestDrawing);
  if (!exit.has_value()) {
    return absl::DeadlineExceededError(
        absl::StrCat("gnuplot took more than a minute for ", stem, ".gnuplot"));
  }
  std::error_code ignored;  // where a file is missing, its size is not read either
  const bool is_drawn = exit->ok() && fs::file_size(stem + ".svg", ignored) > 0 && !ignored &&
                        fs::file_size(stem + ".png", ignored) > 0 && !ignored;
  if (!is_drawn) {
    return absl::InternalError(
        absl::StrCat("gnuplot ", exit->Describe(), " drawing ", stem, ".gnuplot: ", ReadAll(log)));
  }
  fs::remove(log, ignored);
  return absl::OkStatus();
}

}  // namespace sr2l
