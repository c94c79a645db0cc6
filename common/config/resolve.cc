#include <utility>
#include <vector>

#include "common/config/defaults.h"
#include "common/config/members.h"
#include "common/config/validate.h"
#include "common/status/status_macros.h"
#include "common/task/resolve_task.h"

namespace sr2l {

absl::StatusOr<v1::ExperimentConfig> ResolveExperiment(v1::ExperimentConfig config) {
  if (config.has_task()) SR2L_RETURN_IF_ERROR(ResolveBuiltin(*config.mutable_task()));
  SR2L_RETURN_IF_ERROR(Validate(config));
  WriteDefaults(config);
  const std::vector<v1::MemberConfig> members = ExpandMembers(config);
  config.mutable_members()->Clear();
  config.mutable_members()->mutable_member()->Assign(members.begin(), members.end());
  // The names that were just derived have to be valid, too.
  SR2L_RETURN_IF_ERROR(Validate(config));
  return config;
}

}  // namespace sr2l
