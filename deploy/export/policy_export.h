#ifndef SR2L_DEPLOY_EXPORT_POLICY_EXPORT_H_
#define SR2L_DEPLOY_EXPORT_POLICY_EXPORT_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "actor/environment/compiled_task.h"
#include "common/exported_policy/exported_policy.h"
#include "common/policy/policy.h"
#include "deploy/export/contract.pb.h"
#include "deploy/export/vectors.h"
#include "sr2l/v1/policy.pb.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// What all formats of one policy are written from. Immutable once made.
class PolicyExport {
 public:
  // `task` is resolved and holds its model's files. InvalidArgument: the member's
  // policy does not fit the task, or is damaged.
  static absl::StatusOr<PolicyExport> Create(const v1::TrainedMember& member,
                                             const v1::TaskConfig& task);

  const ExportedPolicy& policy() const { return policy_; }
  const exported::Contract& contract() const { return contract_; }
  // Observations, also far outside of what training sees, and what the service's own
  // inference makes of them.
  const Vectors& vectors() const { return vectors_; }

  // The controls [N, A] that the service itself takes at observations [N, O]: what an actor's
  // simulation is given.
  std::vector<float> ServiceControls(const std::vector<float>& observations) const;

 private:
  PolicyExport() = default;

  void ReadPolicy(const v1::PolicySnapshot& snapshot);
  // Chooses the vectors, and the tolerance from them.
  absl::Status MakeVectors();

  std::shared_ptr<const Policy> service_policy_;
  std::shared_ptr<const CompiledTask> task_;
  ExportedPolicy policy_;
  exported::Contract contract_;
  Vectors vectors_;
};

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_POLICY_EXPORT_H_
