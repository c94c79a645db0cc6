#include "common/task/resolve_task.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/status_macros.h"
#include "common/task/builtin_tasks.h"
#include "common/task/model_files.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// Whether `path`, with symbolic links followed, lies in `folder`.
bool IsInside(const fs::path& folder, const fs::path& path) {
  std::error_code error;
  const fs::path relative = fs::canonical(path, error).lexically_relative(fs::canonical(folder));
  return !error && !relative.empty() && *relative.begin() != "..";
}

absl::StatusOr<std::string> ReadModelFile(const fs::path& folder, const std::string& name) {
  const fs::path path = folder / name;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat("there is no file ", path.string()));
  }
  if (!IsInside(folder, path)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), " is a link out of the task's folder"));
  }
  // Before it is read, so that a mistaken name cannot fill the memory.
  if (fs::file_size(path, error) > kMaxModelBytes || error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), " has more than ", kMaxModelBytes >> 20, " MiB"));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(stream)), {});
  if (!stream.good() && !stream.eof()) {
    return absl::PermissionDeniedError(absl::StrCat("cannot read ", path.string()));
  }
  return content;
}

}  // namespace

absl::Status ResolveBuiltin(v1::TaskConfig& task) {
  if (!task.has_builtin()) return absl::OkStatus();
  absl::StatusOr<v1::TaskConfig> resolved = BuiltinTask(task.builtin());
  if (!resolved.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("task.builtin: ", resolved.status().message()));
  }
  // What is set replaces as a whole, also lists and messages.
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  task.GetReflection()->ListFields(task, &fields);
  for (const auto* field : fields) resolved->GetReflection()->ClearField(&*resolved, field);
  resolved->MergeFrom(task);
  resolved->clear_builtin();
  task = *std::move(resolved);
  return absl::OkStatus();
}

absl::Status AttachModelFiles(const std::string& folder, v1::TaskConfig& task) {
  if (!task.has_model() || task.files_size() > 0) return absl::OkStatus();
  const fs::path root = folder.empty() ? "." : folder;
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return absl::NotFoundError(absl::StrCat("there is no folder ", root.string()));
  }
  const auto read = [&root](const std::string& name) { return ReadModelFile(root, name); };
  SR2L_ASSIGN_OR_RETURN(std::vector<v1::ModelFile> files, CollectModelFiles(task.model(), read));
  task.set_model(files.front().name());
  if (!task.has_name() && !task.has_builtin()) task.set_name(TaskNameOf(task.model()));
  for (v1::ModelFile& file : files) *task.add_files() = std::move(file);
  return absl::OkStatus();
}

}  // namespace sr2l
