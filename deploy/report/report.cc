#include "deploy/report/report.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/files/atomic_write.h"
#include "common/status/status_macros.h"
#include "deploy/report/draw.h"
#include "deploy/report/page.h"
#include "deploy/report/tables.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

absl::Status FileError(const std::error_code& error, const std::string& what) {
  return absl::ErrnoToStatus(error.value(), what);
}

// Only what a report is made of may be replaced by one.
bool HoldsReport(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "index.html", error) &&
         fs::is_regular_file(folder / "tables" / "final.csv", error);
}

absl::Status CheckOut(const fs::path& out, bool replace) {
  std::error_code error;
  if (!fs::exists(out, error)) return absl::OkStatus();
  if (!fs::is_directory(out, error)) {
    return absl::AlreadyExistsError(absl::StrCat(out.string(), " exists and is no folder"));
  }
  const bool is_empty = fs::is_empty(out, error);
  if (error) return FileError(error, absl::StrCat("cannot read the folder ", out.string()));
  if (is_empty) return absl::OkStatus();
  if (!HoldsReport(out)) {
    return absl::AlreadyExistsError(
        absl::StrCat("the folder ", out.string(), " is not empty: name another one with --out"));
  }
  if (replace) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("the folder ", out.string(),
                   " holds a report: name another one with --out, or replace it with --replace"));
}

// `path` without a slash at its end, absolute: gnuplot is sent there.
absl::StatusOr<fs::path> Absolute(const std::string& path) {
  std::error_code error;
  fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (error) return FileError(error, absl::StrCat("not a path: ", path));
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

absl::Status MakeFolders(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  for (const char* const part : {"figures", "tables"}) {
    if (!error) fs::create_directories(folder / part, error);
  }
  if (!error) return absl::OkStatus();
  return FileError(error, absl::StrCat("cannot make the folder ", folder.string()));
}

absl::Status WriteTables(const std::vector<Table>& tables, const fs::path& folder) {
  for (const Table& table : tables) {
    const std::string stem = (folder / table.name).string();
    SR2L_RETURN_IF_ERROR(WriteFileAtomically(stem + ".csv", FormatCsv(table)));
    if (!table.for_people) continue;
    SR2L_RETURN_IF_ERROR(WriteFileAtomically(stem + ".md", FormatMarkdown(table)));
  }
  return absl::OkStatus();
}

// All of the report, into a folder that has its parts.
absl::Status Fill(const fs::path& folder, const std::string& gnuplot, const PageContent& content) {
  PageContent complete = content;
  for (const Figure& figure : content.plan->figures) {
    SR2L_RETURN_IF_ERROR(DrawFigure(gnuplot, (folder / "figures").string(), figure));
    std::ifstream file(folder / "figures" / (figure.name + ".svg"));
    std::stringstream svg;
    svg << file.rdbuf();
    complete.drawings[figure.name] = svg.str();
  }
  SR2L_RETURN_IF_ERROR(WriteTables(*content.tables, folder / "tables"));
  return WriteFileAtomically((folder / "index.html").string(), FormatPage(complete));
}

absl::Status Publish(const fs::path& partial, const fs::path& out) {
  std::error_code error;
  fs::remove_all(out, error);
  if (!error) fs::rename(partial, out, error);
  if (!error) return absl::OkStatus();
  return FileError(error, absl::StrCat("cannot write ", out.string()));
}

}  // namespace

absl::StatusOr<ReportResult> WriteReport(const ReportOptions& options) {
  SR2L_ASSIGN_OR_RETURN(const fs::path out, Absolute(options.out));
  SR2L_RETURN_IF_ERROR(CheckOut(out, options.replace));
  std::vector<RunData> runs;
  for (const std::string& folder : options.runs) {
    SR2L_ASSIGN_OR_RETURN(RunData run, ReadRun(folder, options.curve_kind));
    runs.push_back(std::move(run));
  }
  SR2L_ASSIGN_OR_RETURN(const std::string gnuplot, FindGnuplot());
  const Study study = MakeStudy(std::move(runs));
  const FigurePlan plan = PlanFigures(study, options.last);
  const std::vector<Table> tables = MakeTables(study, options.last);
  const fs::path partial = out.string() + ".partial";
  SR2L_RETURN_IF_ERROR(MakeFolders(partial));
  SR2L_RETURN_IF_ERROR(Fill(partial, gnuplot,
                            {.study = &study,
                             .plan = &plan,
                             .tables = &tables,
                             .drawings = {},
                             .version = options.version}));
  SR2L_RETURN_IF_ERROR(Publish(partial, out));
  return ReportResult{.page = (out / "index.html").string(),
                      .num_figures = plan.figures.size(),
                      .missing = plan.missing};
}

}  // namespace sr2l
