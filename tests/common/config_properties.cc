#include "tests/common/config_properties.h"

#include "absl/strings/match.h"
#include "common/config/load.h"
#include "common/config/validate.h"
#include "common/status/check.h"

namespace sr2l {
namespace {

void CheckError(const absl::Status& status) {
  SR2L_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  SR2L_CHECK(!status.message().empty());
}

// Equal bytes: doubles that are NaN are never valid, so nothing compares unequal to itself.
bool Same(const v1::ExperimentConfig& a, const v1::ExperimentConfig& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

void CheckAccepted(const v1::ExperimentConfig& config, const v1::ExperimentConfig& resolved) {
  SR2L_CHECK(Validate(resolved).ok());
  SR2L_CHECK(resolved.members().member_size() >= 1);
  SR2L_CHECK(Same(ResolveExperiment(resolved).value(), resolved));
  v1::ExperimentConfig read = ParseExperiment(FormatExperiment(config), "written").value();
  *read.mutable_task()->mutable_files() = config.task().files();
  SR2L_CHECK(Same(ResolveExperiment(read).value(), resolved));
}

}  // namespace

bool CheckConfigProperties(const std::string& text, const std::string& assignment) {
  absl::StatusOr<v1::ExperimentConfig> config = ParseExperiment(text, "fuzz");
  if (!config.ok()) {
    CheckError(config.status());
    SR2L_CHECK(absl::StartsWith(config.status().message(), "fuzz:"));
    return false;
  }
  const absl::Status applied = ApplyOverride(assignment, *config);
  if (!applied.ok()) CheckError(applied);
  // Also what is not valid can be written for people to look at, and read again.
  SR2L_CHECK(ParseExperiment(FormatExperiment(*config), "written").ok());
  const absl::StatusOr<v1::ExperimentConfig> resolved = ResolveExperiment(*config);
  if (!resolved.ok()) {
    CheckError(resolved.status());
    return false;
  }
  CheckAccepted(*config, *resolved);
  return true;
}

}  // namespace sr2l
