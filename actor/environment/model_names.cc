#include "actor/environment/model_names.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sr2l {

absl::StatusOr<int> FindByName(const mjModel& model, mjtObj type, const std::string& name,
                               absl::string_view field) {
  const int index = mj_name2id(&model, type, name.c_str());
  if (index >= 0) return index;
  std::vector<std::string> names;
  const bool body = type == mjOBJ_BODY;
  const int count = static_cast<int>(body ? model.nbody : model.ngeom);
  for (int i = 0; i < count; ++i) {
    if (const char* known = mj_id2name(&model, type, i)) names.emplace_back(known);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(field, " must be one of the model's ", body ? "bodies" : "geoms", " (",
                   absl::StrJoin(names, ", "), "), got \"", name, "\""));
}

}  // namespace sr2l
