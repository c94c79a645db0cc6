#include "common/config/load.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "common/config/parse_text.h"
#include "common/status/status_macros.h"
#include "common/task/resolve_task.h"

namespace sr2l {
namespace {

constexpr uintmax_t kMaxFileBytes = 40 * 1024 * 1024;  // the limit of a message over RPC

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) {
    return absl::NotFoundError(absl::StrCat("experiment file ", path, ": ", error.message()));
  }
  if (size > kMaxFileBytes) {
    return absl::InvalidArgumentError(absl::StrCat("experiment file ", path, " must have at most ",
                                                   kMaxFileBytes, " bytes, got ", size));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat("experiment file ", path, ": ", std::strerror(errno)));
  }
  return text;
}

}  // namespace

absl::StatusOr<v1::ExperimentConfig> ParseExperiment(absl::string_view text,
                                                     const std::string& name) {
  v1::ExperimentConfig config;
  SR2L_RETURN_IF_ERROR(ParseText(text, name, config));
  return config;
}

absl::StatusOr<v1::ExperimentConfig> LoadExperiment(const std::string& path,
                                                    const std::vector<std::string>& overrides) {
  SR2L_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  SR2L_ASSIGN_OR_RETURN(v1::ExperimentConfig config, ParseExperiment(text, path));
  for (const std::string& assignment : overrides) {
    SR2L_RETURN_IF_ERROR(ApplyOverride(assignment, config));
  }
  if (config.has_task()) {
    SR2L_RETURN_IF_ERROR(AttachModelFiles(std::filesystem::path(path).parent_path().string(),
                                          *config.mutable_task()));
  }
  return config;
}

}  // namespace sr2l
