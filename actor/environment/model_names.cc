#include "actor/environment/model_names.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sr2l {
namespace {

int CountOf(const mjModel& model, mjtObj type) {
  switch (type) {
    case mjOBJ_BODY:
      return static_cast<int>(model.nbody);
    case mjOBJ_CAMERA:
      return static_cast<int>(model.ncam);
    default:
      return static_cast<int>(model.ngeom);
  }
}

const char* PluralOf(mjtObj type) {
  switch (type) {
    case mjOBJ_BODY:
      return "bodies";
    case mjOBJ_CAMERA:
      return "cameras";
    default:
      return "geoms";
  }
}

}  // namespace

absl::StatusOr<int> FindByName(const mjModel& model, mjtObj type, const std::string& name,
                               absl::string_view field) {
  const int index = mj_name2id(&model, type, name.c_str());
  if (index >= 0) return index;
  std::vector<std::string> names;
  for (int i = 0; i < CountOf(model, type); ++i) {
    if (const char* known = mj_id2name(&model, type, i)) names.emplace_back(known);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(field, " must be one of the model's ", PluralOf(type), " (",
                   absl::StrJoin(names, ", "), "), got \"", name, "\""));
}

}  // namespace sr2l
