#ifndef SR2L_COMMON_TASK_MODEL_FILES_H_
#define SR2L_COMMON_TASK_MODEL_FILES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// The content of a file. `name` is relative to the task's folder, without "..".
using FileReader = absl::FunctionRef<absl::StatusOr<std::string>(const std::string& name)>;

// Most bytes that a model and the files it refers to may have together.
inline constexpr size_t kMaxModelBytes = 32 * 1024 * 1024;

// Of a task and of an experiment, characters.
inline constexpr size_t kMaxNameLength = 64;

// The MJCF file `model` and, once each, the files that it refers to: included files,
// meshes, textures, height fields and skins, where <compiler meshdir texturedir assetdir
// strippath> tells to look for them. Errors name the file and the line. Refused are
// absolute names, names that leave the task's folder, more than kMaxModelBytes, and two
// files with one base name (MuJoCo looks them up without folder and case).
absl::StatusOr<std::vector<v1::ModelFile>> CollectModelFiles(const std::string& model,
                                                             FileReader read);

// Those of `task.files` that its model needs: the model first. An error when one is
// missing, so loading what this returns opens no file of this machine.
absl::StatusOr<std::vector<v1::ModelFile>> UsedModelFiles(const v1::TaskConfig& task);

// A task's name from its model's: the file's name, in which what is not a letter or digit
// becomes "_", in lower case: "models/My Robot.xml" is my_robot. At most kMaxNameLength.
std::string TaskNameOf(const std::string& model);

}  // namespace sr2l

#endif  // SR2L_COMMON_TASK_MODEL_FILES_H_
