#include "deploy/export/program_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/status/status_macros.h"
#include "deploy/cli/child_process.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

std::string LastLine(absl::string_view text) {
  const std::vector<absl::string_view> lines =
      absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n');
  return std::string(lines.back());
}

}  // namespace

absl::StatusOr<ScratchFolder> ScratchFolder::Create() {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return absl::ErrnoToStatus(error.value(), "no folder for temporary files ($TMPDIR)");
  std::string path = (parent / "sr2l-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make the folder ", path));
  }
  return ScratchFolder(path);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;  // what cannot be removed is left behind, harmless
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

absl::StatusOr<std::string> ProgramOutput(const std::string& program,
                                          const std::vector<std::string>& arguments,
                                          absl::Duration limit) {
  SR2L_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Create());
  const std::string name = fs::path(program).filename();
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ChildProcess> child,
                        ChildProcess::Start({.name = name,
                                             .program = program,
                                             .arguments = arguments,
                                             .log_path = scratch / "output"}));
  const std::optional<ProcessExit> exit = child->WaitUntil(absl::Now() + limit);
  if (!exit.has_value()) {
    return absl::DeadlineExceededError(
        absl::StrCat(name, " did not end within ", absl::FormatDuration(limit)));
  }
  SR2L_ASSIGN_OR_RETURN(std::string output, ReadWholeFile(scratch / "output"));
  if (exit->ok()) return output;
  return absl::AbortedError(absl::StrCat(name, " ", exit->Describe(), ": ", LastLine(output)));
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is a folder, not a file"));
  }
  if (!fs::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat("there is no file ", path));
  }
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), {});
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return content;
}

}  // namespace sr2l
