#include "deploy/cli/this_program.h"

#include <filesystem>
#include <system_error>

namespace sr2l {

absl::StatusOr<std::string> FolderOfThisProgram() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return absl::ErrnoToStatus(error.value(), "cannot read /proc/self/exe");
  return self.parent_path().string();
}

}  // namespace sr2l
