#ifndef SR2L_DEPLOY_EXPORT_TASK_CONTRACT_H_
#define SR2L_DEPLOY_EXPORT_TASK_CONTRACT_H_

#include <vector>

#include "absl/status/status.h"
#include "actor/environment/compiled_task.h"
#include "actor/environment/quantity.h"
#include "deploy/export/contract.pb.h"
#include "sr2l/v1/task.pb.h"

namespace sr2l {

// Fills in what the task says: name, control rate, observations and actions. `task` is what
// `compiled` was made of.
absl::Status DescribeTask(const v1::TaskConfig& task, const CompiledTask& compiled,
                          exported::Contract& contract);

// Names and units of a slice's coordinates: of joints, bodies, actuators and sensors as the
// model calls them, "joint 2" where it has no name.
std::vector<exported::Coordinate> DescribeCoordinates(const mjModel& model, const Slice& slice);

}  // namespace sr2l

#endif  // SR2L_DEPLOY_EXPORT_TASK_CONTRACT_H_
