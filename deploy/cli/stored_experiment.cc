#include "deploy/cli/stored_experiment.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/config/validate.h"
#include "common/status/status_macros.h"
#include "deploy/cli/config_difference.h"
#include "learner/service/experiment_store.h"

namespace sr2l {
namespace {

absl::StatusOr<std::optional<v1::Experiment>> ReadNewest(const std::string& path) {
  SR2L_ASSIGN_OR_RETURN(const std::unique_ptr<ExperimentStore> store, ExperimentStore::Open(path));
  v1::ListRequest newest;
  newest.set_page_size(1);
  SR2L_ASSIGN_OR_RETURN(const v1::ListResponse list, store->List(newest));
  if (list.experiments().empty()) return std::nullopt;
  SR2L_ASSIGN_OR_RETURN(
      v1::Experiment experiment,
      store->Get(list.experiments(0).experiment_id(), ExperimentStore::Detail::kAll));
  return experiment;
}

}  // namespace

absl::StatusOr<std::optional<v1::Experiment>> ReadStoredExperiment(const RunFolder& folder) {
  absl::StatusOr<std::optional<v1::Experiment>> experiment = ReadNewest(folder.Store());
  if (experiment.ok()) return experiment;
  const absl::Status& error = experiment.status();
  return absl::Status(error.code(), absl::StrCat("cannot read ", folder.Store(), ": ",
                                                 error.message()));
}

absl::Status CheckSameExperiment(const v1::ExperimentConfig& resolved,
                                 const v1::ExperimentConfig& stored, const RunFolder& folder) {
  // Anew: an older sr2l, which stored it, may have known fewer defaults.
  SR2L_ASSIGN_OR_RETURN(const v1::ExperimentConfig run, ResolveExperiment(stored));
  v1::ExperimentConfig file = resolved;
  if (file.has_limiter() && run.has_limiter()) *file.mutable_limiter() = run.limiter();
  const std::optional<ConfigDifference> difference = FirstDifference(file, run);
  if (!difference.has_value()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      difference->field, " is ", difference->first, " in ", folder.Experiment(), " and ",
      difference->second, " in the run, which can only go on as it began: change the file back, "
      "or train anew with: sr2l train ", folder.Experiment(), " --run OTHER_DIR"));
}

}  // namespace sr2l
