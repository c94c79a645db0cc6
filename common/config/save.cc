#include "common/config/save.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/config/field_rules.h"
#include "common/config/load.h"
#include "common/config/task_text.h"
#include "common/files/atomic_write.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// What training, the other commands and their temporary files put into a run's folder.
constexpr std::array kOwnNames = {
    "checkpoints", "curve.csv", "evaluation.csv", "evaluations.csv", "experiment.textproto",
    "exports",     "lock",      "logs",           "play",            "policies",
    "replay",      "run.lock",  "sockets",        "tensorboard"};
constexpr absl::string_view kStore = "experiments.db";  // and what SQLite puts beside it
constexpr absl::string_view kTemporary = ".tmp";

absl::Status CheckName(const std::string& name) {
  const fs::path path = fs::path(name).lexically_normal();
  const bool is_file = path.has_filename() && path != ".";
  if (path.is_absolute() || !is_file || *path.begin() == "..") {
    return MustError("a model file's name", "stay inside the task's folder", name);
  }
  if (!IsNameOfRunFolder(name)) return absl::OkStatus();
  return MustError("a model file's name", "be none that a run's folder has itself", name);
}

// Makes the folders between `folder` and the file `name`; follows no link out of `folder`.
absl::Status MakeParents(const fs::path& folder, const fs::path& name) {
  fs::path parent = folder;
  for (const fs::path& part : name.parent_path()) {
    parent /= part;
    std::error_code error;
    fs::create_directory(parent, error);
    // Also where there was something that is no folder.
    if (fs::is_directory(fs::symlink_status(parent, error))) continue;
    return absl::InvalidArgumentError(absl::StrCat("cannot save the model file ",
                                                   (folder / name).string(), ": ", parent.string(),
                                                   " is no folder"));
  }
  return absl::OkStatus();
}

// Whether `path` is a file, and no link, that holds just this.
bool Holds(const fs::path& path, const std::string& content) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error))) return false;
  if (fs::file_size(path, error) != content.size() || error) return false;
  std::ifstream stream(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(stream)), {}) == content;
}

absl::Status SaveFile(const v1::ModelFile& file, const fs::path& folder) {
  const fs::path name = fs::path(file.name()).lexically_normal();
  const fs::path path = folder / name;
  SR2L_RETURN_IF_ERROR(MakeParents(folder, name));
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) {
    return WriteFileDurably(path.string(), file.content());
  }
  if (Holds(path, file.content())) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat("cannot save the model file ", path.string(),
                                               ": there is something else of this name"));
}

}  // namespace

bool IsNameOfRunFolder(absl::string_view name) {
  const fs::path path = fs::path(std::string(name)).lexically_normal();
  if (path.empty() || absl::EndsWith(path.string(), kTemporary)) return true;
  const std::string first = path.begin()->string();
  for (const absl::string_view own : kOwnNames) {
    if (first == own) return true;
  }
  return absl::StartsWith(first, kStore);
}

absl::Status SaveExperiment(const v1::ExperimentConfig& config, const std::string& folder) {
  const auto& files = config.task().files();
  if (!TaskInText(config.task()).has_builtin()) {
    for (const v1::ModelFile& file : files) SR2L_RETURN_IF_ERROR(CheckName(file.name()));
    for (const v1::ModelFile& file : files) SR2L_RETURN_IF_ERROR(SaveFile(file, folder));
  }
  return WriteFileDurably(absl::StrCat(folder, "/experiment.textproto"), FormatExperiment(config));
}

}  // namespace sr2l
