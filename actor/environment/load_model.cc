#include "actor/environment/load_model.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "actor/environment/model_names.h"
#include "actor/environment/mujoco_call.h"
#include "common/status/status_macros.h"
#include "common/task/model_files.h"

namespace sr2l {
namespace {

// Owns MuJoCo's table of files in memory (2 MB in old versions, hence on the heap).
class VirtualFiles {
 public:
  VirtualFiles() : files_(std::make_unique<mjVFS>()) { mj_defaultVFS(files_.get()); }
  ~VirtualFiles() { mj_deleteVFS(files_.get()); }
  VirtualFiles(const VirtualFiles&) = delete;
  VirtualFiles& operator=(const VirtualFiles&) = delete;

  absl::Status Add(const v1::ModelFile& file) {
    if (file.content().empty()) {
      return absl::InvalidArgumentError(absl::StrCat("task.files: \"", file.name(), "\" is empty"));
    }
    const int size = static_cast<int>(file.content().size());
#if mjVERSION_HEADER < 320
    const int failure = mj_makeEmptyFileVFS(files_.get(), file.name().c_str(), size);
    if (failure == 0) {
      const int index = mj_findFileVFS(files_.get(), file.name().c_str());
      std::memcpy(files_->filedata[index], file.content().data(), file.content().size());
    }
#else
    const int failure =
        mj_addBufferVFS(files_.get(), file.name().c_str(), file.content().data(), size);
#endif
    if (failure == 0) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("task.files: MuJoCo does not take \"",
                                                   file.name(), "\" (code ", failure, ")"));
  }

  const mjVFS* get() const { return files_.get(); }

 private:
  std::unique_ptr<mjVFS> files_;
};

absl::Status ReplaceFrictions(const v1::TaskConfig& task, mjModel& model) {
  for (int i = 0; i < task.friction_size(); ++i) {
    const v1::GeomFriction& friction = task.friction(i);
    SR2L_ASSIGN_OR_RETURN(const int geom, FindByName(model, mjOBJ_GEOM, friction.geom(),
                                                     absl::StrCat("task.friction[", i, "].geom")));
    if (!(friction.sliding() >= 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("task.friction[", i, "].sliding must be >= 0, got ", friction.sliding()));
    }
    model.geom_friction[3 * geom] = friction.sliding();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const mjModel>> LoadModel(const v1::TaskConfig& task) {
  SR2L_ASSIGN_OR_RETURN(const std::vector<v1::ModelFile> files, UsedModelFiles(task));
  VirtualFiles virtual_files;
  for (const v1::ModelFile& file : files) SR2L_RETURN_IF_ERROR(virtual_files.Add(file));
  const std::string& name = files.front().name();
  char error[1000] = "";
  mjModel* loaded = nullptr;
  SR2L_RETURN_IF_ERROR(CallMujoco(
      [&] { loaded = mj_loadXML(name.c_str(), virtual_files.get(), error, sizeof(error)); }));
  if (loaded == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("model ", name, ": ", absl::StrReplaceAll(error, {{"\n", "; "}})));
  }
  const std::shared_ptr<mjModel> model(loaded, mj_deleteModel);
  SR2L_RETURN_IF_ERROR(ReplaceFrictions(task, *model));
  return model;
}

}  // namespace sr2l
