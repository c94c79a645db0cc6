#include "deploy/cli/evaluated_policy.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "actor/evaluation/evaluation.h"
#include "common/status/status_macros.h"
#include "deploy/cli/trained_members.h"

namespace sr2l {

std::string CheckRadius(const std::string& text) {
  double radius = 0;
  if (absl::SimpleAtod(text, &radius) && radius >= 0 && radius <= kMaxRadius) return "";
  return absl::StrCat("must be in [0, ", kMaxRadius, "], got ", text);
}

absl::StatusOr<EvaluatedPolicy> ReadEvaluatedPolicy(const PolicyFlags& flags, uint32_t number,
                                                    const v1::ExperimentConfig& config) {
  SR2L_ASSIGN_OR_RETURN(
      v1::TrainedMember member,
      ReadTrainedMember(flags.folder, config, number, ParsePolicyChoice(flags.policy)));
  const auto name_member = [number](const absl::Status& status) {
    return absl::Status(status.code(), absl::StrCat("member ", number, ": ", status.message()));
  };
  auto policy = Policy::Create(member.policy());
  if (!policy.ok()) return name_member(policy.status());
  if (flags.actions == "sampled" && !(*policy)->is_gaussian()) {
    return name_member(absl::InvalidArgumentError(
        "--actions must be mean for a deterministic policy, got sampled"));
  }
  const bool sample = flags.actions.empty() ? (*policy)->is_gaussian() : flags.actions == "sampled";
  return EvaluatedPolicy{
      .member = std::move(member), .policy = *std::move(policy), .sample_actions = sample};
}

}  // namespace sr2l
