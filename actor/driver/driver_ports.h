#ifndef SR2L_ACTOR_DRIVER_DRIVER_PORTS_H_
#define SR2L_ACTOR_DRIVER_DRIVER_PORTS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "actor/environment/compiled_task.h"
#include "sr2l/v1/fleet.pb.h"
#include "sr2l/v1/replay.pb.h"

namespace sr2l {

// What a Driver asks of its surroundings. No call may block or call the driver back before
// it returned; answers come later, through the driver's events.
class DriverPorts {
 public:
  virtual ~DriverPorts() = default;

  // Asks the replay, after `delay`, where the stream goes on. To be answered by
  // Driver::OnOpened with the same ticket.
  virtual void OpenStream(const v1::StreamKey& key, uint64_t epoch, uint64_t ticket,
                          absl::Duration delay) = 0;

  // Takes a chunk to deliver, in the order of a stream's calls. Every answer of the replay
  // is to be handed to Driver::OnAnswer; a chunk whose answer is FULL or LIMITED is to be sent
  // again. An error means that the chunk can never be sent.
  virtual absl::Status Send(std::shared_ptr<const v1::Chunk> chunk) = 0;

  // Leaves the learner's fleet, so that others drive the streams, until the replay can be
  // reached again.
  virtual void StepAside(const std::string& reason) = 0;

  // Tells the learner that the experiment cannot be driven. DataLoss: the replay has lost steps.
  virtual void ReportFailure(const std::string& experiment_id, const absl::Status& reason) = 0;

  // Evaluates a policy, beside the streams, and tells the learner what came of it. `task` is
  // null where the experiment cannot be driven.
  virtual void StartEvaluation(std::shared_ptr<const CompiledTask> task,
                               const v1::EvaluationGrant& grant) = 0;

  // Nobody wants the evaluations of this experiment any more.
  virtual void EndEvaluations(const std::string& experiment_id) = 0;
};

}  // namespace sr2l

#endif  // SR2L_ACTOR_DRIVER_DRIVER_PORTS_H_
