#include "deploy/report/report.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "absl/strings/match.h"
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

std::string ReadText(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool HoldsReport(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "index.html", error) &&
         fs::is_regular_file(folder / "tables" / "final.csv", error);
}

bool IsOneOf(const std::string& text, const std::set<std::string>& known) {
  return known.count(text) > 0;
}

// The files that a report writes, by their paths in its folder.
bool IsTable(const fs::path& file) {
  return file.parent_path() == "tables" && IsOneOf(file.stem(), TableNames()) &&
         IsOneOf(file.extension(), {".csv", ".md"});
}

bool IsFigure(const fs::path& file) {
  return file.parent_path() == "figures" && IsOneOf(file.extension(), {".svg", ".png", ".gnuplot"});
}

// What of a finished report is there: only figures that its page shows are its own.
class FinishedReport {
 public:
  explicit FinishedReport(const fs::path& folder) : page_(ReadText(folder / "index.html")) {}

  bool Wrote(const fs::path& file) const {
    if (file == "index.html" || IsTable(file)) return true;
    return IsFigure(file) && absl::StrContains(page_, FigureTag(file.stem()));
  }

 private:
  const std::string page_;
};

// What a report that was interrupted may leave.
bool IsUnfinished(fs::path file) {
  if (file.extension() == ".tmp") file.replace_extension();
  return file == "index.html" || IsTable(file) || IsFigure(file) ||
         (file.parent_path() == "figures" && file.extension() == ".log");
}

// FailedPrecondition: something lies in the folder that `is_own` does not hold for.
template <typename Predicate>
absl::Status CheckAllOwn(const fs::path& folder, Predicate is_own) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path path = entry->path().lexically_relative(folder);
    const fs::file_type type = entry->symlink_status(error).type();
    const bool is_part =
        type == fs::file_type::directory && (path == "figures" || path == "tables");
    if (is_part || (type == fs::file_type::regular && is_own(path))) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("the folder ", folder.string(), " would be removed, but ",
                     entry->path().string(), " was written by no report: move it elsewhere first"));
  }
  if (error) return FileError(error, absl::StrCat("cannot read the folder ", folder.string()));
  return absl::OkStatus();
}

// Only what a report is made of may be replaced by one.
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
  if (replace) {
    const FinishedReport report(out);
    return CheckAllOwn(out, [&report](const fs::path& file) { return report.Wrote(file); });
  }
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

// In place of what an interrupted report left there.
absl::Status MakeFolders(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error))) {
    SR2L_RETURN_IF_ERROR(CheckAllOwn(folder, IsUnfinished));
  }
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
    complete.drawings[figure.name] = ReadText(folder / "figures" / (figure.name + ".svg"));
  }
  SR2L_RETURN_IF_ERROR(WriteTables(*content.tables, folder / "tables"));
  return WriteFileAtomically((folder / "index.html").string(), FormatPage(complete));
}

absl::Status Publish(const fs::path& partial, const fs::path& out, bool replace) {
  SR2L_RETURN_IF_ERROR(CheckOut(out, replace));  // drawing took a while
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
  SR2L_RETURN_IF_ERROR(Publish(partial, out, options.replace));
  return ReportResult{.page = (out / "index.html").string(),
                      .num_figures = plan.figures.size(),
                      .missing = plan.missing};
}

}  // namespace sr2l
