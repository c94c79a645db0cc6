#ifndef SR2L_DEPLOY_CLI_EVALUATED_POLICY_H_
#define SR2L_DEPLOY_CLI_EVALUATED_POLICY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "sr2l/v1/experiment.pb.h"
#include "sr2l/v1/policy.pb.h"

namespace sr2l {

// What the command lines of `evaluate` and `play` have in common.

// Which policy of a run, and how it acts, as flags say it.
struct PolicyFlags {
  std::string folder;
  std::string policy = "final";  // or a version
  std::string actions;           // mean or sampled; empty: sampled where the policy can
};

// A member's policy, ready to act.
struct EvaluatedPolicy {
  v1::TrainedMember member;
  std::shared_ptr<const Policy> policy;
  bool sample_actions = false;
};

// CLI11 validator: what is wrong with an argument, empty when nothing is.
std::string CheckRadius(const std::string& text);

constexpr double kMaxRadius = 1000;  // of a disturbance

// `config`: the folder's experiment. The errors of ReadTrainedMember; InvalidArgument: the policy
// does not compute or cannot act as it should. Names the member.
absl::StatusOr<EvaluatedPolicy> ReadEvaluatedPolicy(const PolicyFlags& flags, uint32_t member,
                                                    const v1::ExperimentConfig& config);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_CLI_EVALUATED_POLICY_H_
